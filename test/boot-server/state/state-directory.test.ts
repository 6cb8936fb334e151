import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultStateDirectory } from "../../../src/boot-server/state/state-directory.js";

describe("the default state directory", () => {
  const places: [environment: NodeJS.ProcessEnv, expected: RegExp][] = [
    [{ STATE_DIRECTORY: "/var/lib/x", XDG_STATE_HOME: "/state" }, /^\/var\/lib\/x$/],
    [{ STATE_DIRECTORY: "/var/lib/x:/var/lib/y" }, /^\/var\/lib\/x$/],
    [{ XDG_STATE_HOME: "/state" }, /^\/state\/kairos-netboot$/],
    [{ XDG_STATE_HOME: "relative" }, /^\/.+\/\.local\/state\/kairos-netboot$/],
    [{}, /^\/.+\/\.local\/state\/kairos-netboot$/],
  ];
  for (const [environment, expected] of places) {
    it(`follows ${JSON.stringify(environment)}`, () => {
      assert.match(defaultStateDirectory(environment), expected);
    });
  }
});
