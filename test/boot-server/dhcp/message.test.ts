import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDhcp, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import { dhcpOptions } from "../../../src/boot-server/dhcp/option-codes.js";
import { readBootRequest, replyToBootRequest } from "../../../src/boot-server/dhcp/proxy-reply.js";
import { PacketError } from "../../../src/boot-server/net/packet-error.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { decodeAll } from "../support/capture.js";
import { sentByMachine } from "../support/recorded-machine.js";

describe("a DHCP message", () => {
  it("survives formatting and parsing, with options of any length", () => {
    const value = fc.uint8Array({ maxLength: 700 }).map(Buffer.from);
    const codes = fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52);
    const property = fc.property(fc.array(fc.tuple(codes, value), { maxLength: 8 }), (options) => {
      const message = { ...sent, options: new Map(options) };
      const again = parseDhcp(formatDhcp(message));
      assert.deepEqual(again, message);
    });
    const sent = sentByMachine("seabios-ipxe.pcap")[0]!.message;
    fc.assert(property, { numRuns: 500 });
  });

  it("has at least the 300 bytes of a BOOTP message", () => {
    const sent = sentByMachine("seabios-ipxe.pcap")[0]!.message;
    assert.equal(formatDhcp({ ...sent, options: new Map() }).length, 300);
  });

  it("is parsed or rejected with a PacketError, whatever its bytes", () => {
    const seeds = sentByMachine("ovmf-http-boot.pcap").map(({ payload }) => payload);
    const edit = fc.record({ at: fc.nat(600), bytes: fc.uint8Array({ maxLength: 20 }) });
    const property = fc.property(
      fc.constantFrom(...seeds),
      fc.array(edit, { maxLength: 5 }),
      fc.nat(600),
      (seed, edits, length) => {
        const bytes = Buffer.from(seed);
        for (const { at, bytes: other } of edits)
          bytes.set(other.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        try {
          const message = parseDhcp(bytes.subarray(0, length));
          const from = { address: "0.0.0.0", port: 68 };
          const request = readBootRequest(message, { port: 67, from, server: "10.77.0.2" });
          if (request.kind === "no-reply") return;
          replyToBootRequest(request, { bootFile: "snponly.efi" }, () => "direct");
        } catch (error) {
          assert.ok(error instanceof PacketError, String(error));
        }
      },
    );
    fc.assert(property, { numRuns: 20_000 });
  });

  it("says which option is truncated", () => {
    const [sent] = sentByMachine("seabios-ipxe.pcap");
    assert.ok(sent);
    const bytes = formatDhcp({ ...sent.message, options: new Map([[97, Buffer.alloc(17)]]) });
    const message = "its option 97 (UUID/GUID-based Client Identifier) is truncated";
    assert.throws(() => parseDhcp(bytes.subarray(0, 250)), { message });
  });
});

describe("the table of DHCP options", () => {
  it("has the codes and names that Wireshark knows", async () => {
    const [sent] = sentByMachine("seabios-ipxe.pcap");
    assert.ok(sent);
    const path = join(await temporaryDirectory(), "options.pcap");
    const options = Object.values(dhcpOptions);
    const messages = options.map(({ code }) => {
      // Option 52 would make tshark look for options in other fields.
      const value = code === 52 ? Buffer.from([0]) : Buffer.alloc(4);
      const payload = formatDhcp({ ...sent.message, options: new Map([[code, value]]) });
      return { payload, port: 67 };
    });
    const views = decodeAll(messages, path);
    for (const [index, { code, name }] of options.entries()) {
      assert.ok(views[index]?.includes(`Option: (${code}) ${name}`), `${code} ${name}`);
    }
  });
});
