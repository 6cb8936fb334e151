import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { startHttpSite } from "../support/http-site.js";
import { releases } from "../support/rules-of.js";

it("keeps the key of an earlier run", async () => {
  const state = await sharedDirectory();
  for (const _ of [1, 2]) await (await startHttpSite({ releases, state })).server.close(0);
  const key = await readFile(join(state, "key"), "utf8");
  assert.match(key, /^[0-9a-f]{64}\n$/);
});
