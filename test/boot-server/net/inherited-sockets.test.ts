import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takeInheritedSockets } from "../../../src/boot-server/net/inherited-sockets.js";

const none = { http: [], tftp: [], pxe: [], dhcp: [] };

describe("sockets that systemd passes to the program", () => {
  // sd_listen_fds(3): descriptors start at 3, and colons separate the names.
  const table: [name: string, environment: NodeJS.ProcessEnv, expected: object][] = [
    ["are absent without the variables of systemd", {}, none],
    [
      "are ignored if they belong to another process",
      { LISTEN_PID: "41", LISTEN_FDS: "1", LISTEN_FDNAMES: "http" },
      none,
    ],
    [
      "are assigned to protocols by their names",
      { LISTEN_PID: "42", LISTEN_FDS: "5", LISTEN_FDNAMES: "dhcp:http:tftp:pxe:dhcp" },
      { http: [4], tftp: [5], pxe: [6], dhcp: [3, 7] },
    ],
  ];
  for (const [name, environment, expected] of table) {
    it(name, () => assert.deepEqual(takeInheritedSockets({ ...environment }, 42), expected));
  }

  it("are hidden from child processes", () => {
    const environment = { LISTEN_PID: "42", LISTEN_FDS: "1", LISTEN_FDNAMES: "http", PATH: "/bin" };
    takeInheritedSockets(environment, 42);
    assert.deepEqual(environment, { PATH: "/bin" });
  });

  for (const names of ["kairos-netboot.socket", ""]) {
    it(`are refused if one is named "${names}"`, () => {
      const environment = { LISTEN_PID: "42", LISTEN_FDS: "1", LISTEN_FDNAMES: names };
      assert.throws(() => takeInheritedSockets(environment, 42), { code: "LISTEN_INVALID" });
    });
  }
});
