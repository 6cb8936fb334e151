import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takeInheritedSockets } from "../../../src/boot-server/net/inherited-sockets.js";

const none = { http: [], tftp: [], pxe: [], dhcp: [] };

describe("sockets that were handed over", () => {
  // sd_listen_fds(3): the first is descriptor 3, and names are joined by colons.
  const table: [name: string, environment: NodeJS.ProcessEnv, expected: object][] = [
    ["are none where systemd says nothing", {}, none],
    [
      "are none where they are another process's",
      { LISTEN_PID: "41", LISTEN_FDS: "1", LISTEN_FDNAMES: "http" },
      none,
    ],
    [
      "are told apart by their names",
      { LISTEN_PID: "42", LISTEN_FDS: "5", LISTEN_FDNAMES: "dhcp:http:tftp:pxe:dhcp" },
      { http: [4], tftp: [5], pxe: [6], dhcp: [3, 7] },
    ],
  ];
  for (const [name, environment, expected] of table) {
    it(name, () => assert.deepEqual(takeInheritedSockets({ ...environment }, 42), expected));
  }

  it("are not told of to children", () => {
    const environment = { LISTEN_PID: "42", LISTEN_FDS: "1", LISTEN_FDNAMES: "http", PATH: "/bin" };
    takeInheritedSockets(environment, 42);
    assert.deepEqual(environment, { PATH: "/bin" });
  });

  for (const names of ["kairos-netboot.socket", ""]) {
    it(`are refused under the name "${names}"`, () => {
      const environment = { LISTEN_PID: "42", LISTEN_FDS: "1", LISTEN_FDNAMES: names };
      assert.throws(() => takeInheritedSockets(environment, 42), { code: "LISTEN_INVALID" });
    });
  }
});
