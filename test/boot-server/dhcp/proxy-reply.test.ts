import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { BootChoice } from "../../../src/boot-server/dhcp/boot-choice.js";
import { type BootClient, readBootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import type { PacketInfo } from "../../../src/boot-server/dhcp/packet-info.js";
import {
  type ProxyDecision,
  readBootRequest,
  replyToBootRequest,
} from "../../../src/boot-server/dhcp/proxy-reply.js";
import type { OfferStyle } from "../../../src/boot-server/machines/offer-style.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { decode, decodeAll } from "../support/capture.js";
import { type RecordedMessage, sentByMachine } from "../support/recorded-machine.js";

const server = "10.77.0.2";

function decisionFor(
  { message, from, to }: Pick<RecordedMessage, "message" | "from" | "to">,
  style: OfferStyle = "direct",
  choose: (client: BootClient) => BootChoice = choiceFor,
): ProxyDecision {
  const packet: PacketInfo = { port: to.port as 67 | 4011, from, server };
  const request = readBootRequest(message, packet);
  if (request.kind === "no-reply") return request;
  return replyToBootRequest(request, choose(request.client), () => style);
}

function choiceFor({ isIpxe, protocol }: BootClient): BootChoice {
  if (isIpxe) return { bootFile: `http://${server}:8080/boot.ipxe` };
  return { bootFile: protocol === "http" ? `http://${server}/snponly.efi` : "snponly.efi" };
}

describe("real firmware", () => {
  const ovmf = { mac: "52:54:00:aa:bb:01", architecture: "amd64", firmware: "uefi" } as const;
  const table: [recording: string, frame: number, expected: Partial<BootClient>][] = [
    ["ovmf-http-boot.pcap", 1, { ...ovmf, protocol: "pxe", architectureType: 7, isIpxe: false }],
    ["ovmf-http-boot.pcap", 9, { ...ovmf, protocol: "http", architectureType: 16, isIpxe: false }],
    ["ovmf-http-boot.pcap", 18, { ...ovmf, protocol: "pxe", architectureType: 7, isIpxe: true }],
    ["ovmf-pxe-port-4011.pcap", 6, { ...ovmf, protocol: "pxe", isIpxe: false }],
    [
      "seabios-ipxe.pcap",
      1,
      {
        mac: "52:54:00:aa:bb:02",
        architecture: "amd64",
        firmware: "bios",
        architectureType: 0,
        isIpxe: true,
      },
    ],
  ];
  for (const [recording, frame, expected] of table) {
    it(`is recognized in ${recording}, frame ${frame}`, () => {
      const one = sentByMachine(recording).find((it) => it.frame === frame);
      const client = readBootClient(one!.message);
      assert.ok("mac" in client);
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(client[key as keyof BootClient], value, key);
      }
    });
  }

  it("gets answers to all its requests, and none to those for the DHCP server", () => {
    const all = [
      "ovmf-http-boot.pcap",
      "ovmf-pxe-4011-unanswered.pcap",
      "ovmf-pxe-offer-with-option43.pcap",
      "ovmf-pxe-port-4011.pcap",
      "seabios-ipxe.pcap",
    ].flatMap(sentByMachine);
    const types = { discover: 1, request: 3 };
    let replies = 0;
    for (const one of all) {
      const type = one.message.options.get(53)![0];
      const { kind } = decisionFor(one);
      const isForUs = one.to.port === 4011 || type === types.discover;
      assert.equal(kind, isForUs ? "reply" : "no-reply", `frame ${one.frame}`);
      if (kind === "reply") replies += 1;
    }
    assert.ok(replies > 12 && replies < all.length);
  });

  it("gets replies that tshark decodes without a malformed field", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    const replies = (["direct", "port-4011"] as const).flatMap((style) =>
      sentByMachine("ovmf-pxe-port-4011.pcap").flatMap((one) => {
        const reply = decisionFor(one, style);
        return reply.kind === "reply" ? [{ style, one, reply }] : [];
      }),
    );
    const messages = replies.map(({ one, reply }) => {
      return { payload: formatDhcp(reply.message), port: one.to.port };
    });
    const views = decodeAll(messages, path);
    for (const [index, { style, one, reply }] of replies.entries()) {
      const text = views[index]!;
      assert.doesNotMatch(text, /malformed|unknown option|expert info/i);
      assert.match(text, new RegExp(`Server Identifier \\(${server}\\)`));
      assert.match(text, /Vendor class identifier: PXEClient/);
      assert.match(text, new RegExp(`Next server IP address: ${server}`));
      const id = one.message.transactionId.toString(16).padStart(8, "0");
      assert.match(text, new RegExp(`Transaction ID: 0x${id}`));
      const isReferral = one.to.port === 67 && style === "port-4011" && !reply.client.isIpxe;
      assert.equal(/PXE discovery control/.test(text), one.to.port === 67 && !isReferral);
      assert.equal(/Boot file name: (snponly|http)/.test(text), !isReferral);
    }
  });

  it("gets a URL and no option 43 for HTTP Boot", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    const one = sentByMachine("ovmf-http-boot.pcap").find(({ frame }) => frame === 9)!;
    const reply = decisionFor(one);
    assert.ok(reply.kind === "reply");
    const text = decode(formatDhcp(reply.message), 67, path);
    assert.match(text, /Vendor class identifier: HTTPClient/);
    assert.match(text, new RegExp(`Boot file name: http://${server}/snponly.efi`));
    assert.doesNotMatch(text, /Vendor-Specific/);
    assert.deepEqual(reply.to, { address: "255.255.255.255", port: 68 });
  });

  const toDisk = () => ({ disk: true, missingUrl: `http://${server}:8080/nothing.efi` }) as const;

  it("gets a menu with the local disk as its only item if it boots from its disk by PXE", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    for (const style of ["direct", "port-4011"] as const) {
      const reply = decisionFor(sentByMachine("ovmf-pxe-port-4011.pcap")[0]!, style, toDisk);
      assert.ok(reply.kind === "reply");
      assert.equal(reply.bootFile, undefined);
      const text = decode(formatDhcp(reply.message), 67, path);
      assert.doesNotMatch(text, /malformed|unknown option|expert info|Boot file name:/i);
      const item =
        /\(9\) PXE boot menu\n +Length: 7\n.*\n +Type: Local boot \(0\)\n.*\n +Description: Disk/;
      assert.match(text, item);
      assert.match(text, /\(10\) PXE menu prompt\n.*\n.*\n +Timeout: 0\n/);
    }
  });

  it("gets a missing URL if it boots from its disk by HTTP Boot", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    const one = sentByMachine("ovmf-http-boot.pcap").find(({ frame }) => frame === 9)!;
    const reply = decisionFor(one, "direct", toDisk);
    assert.ok(reply.kind === "reply");
    assert.equal(reply.bootFile, undefined);
    const text = decode(formatDhcp(reply.message), 67, path);
    assert.match(text, /Vendor class identifier: HTTPClient/);
    assert.match(text, new RegExp(`Boot file name: http://${server}:8080/nothing.efi`));
    assert.doesNotMatch(text, /Vendor-Specific/);
  });

  it("gets its reply from port 4011 at the address and port that it sent from", () => {
    const one = sentByMachine("ovmf-pxe-port-4011.pcap").find(({ frame }) => frame === 6)!;
    const reply = decisionFor(one);
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.to, { address: "10.77.0.98", port: 4011 });
    assert.deepEqual(reply.message.options.get(53), Buffer.from([5]));
  });
});

describe("a modified client", () => {
  const recorded = sentByMachine("ovmf-pxe-port-4011.pcap")[0]!;

  /** The recorded DISCOVER with other options and fields; undefined removes an option. */
  function discover(
    options: Readonly<Record<number, Buffer | undefined>>,
    fields: Partial<DhcpMessage> = {},
  ): ProxyDecision {
    const all = new Map(recorded.message.options);
    for (const [code, value] of Object.entries(options)) {
      if (value === undefined) all.delete(Number(code));
      else all.set(Number(code), value);
    }
    // Serialize and parse it, like a received message.
    const message = parseDhcp(formatDhcp({ ...recorded.message, ...fields, options: all }));
    return decisionFor({ ...recorded, message });
  }

  const architecture = (number: number) => ({ 93: Buffer.from([number >> 8, number & 255]) });
  const kinds: [number, string, string][] = [
    [0, "amd64", "bios"],
    [6, "386", "uefi"],
    [7, "amd64", "uefi"],
    [9, "amd64", "uefi"],
    [0x0a, "arm", "uefi"],
    [0x0b, "arm64", "uefi"],
    [0x10, "amd64", "uefi"],
    [0x13, "arm64", "uefi"],
    [0x16, "arm64", "u-boot"],
    [0x1b, "riscv64", "uefi"],
    [0x29, "arm64", "raspberry-pi"],
  ];
  for (const [number, machine, firmware] of kinds) {
    it(`is ${machine} with ${firmware} if it sends architecture ${number}`, () => {
      const { client } = discover(architecture(number));
      assert.deepEqual([client?.architecture, client?.firmware], [machine, firmware]);
    });
  }

  it("is a Raspberry Pi if it claims to be a BIOS but has such a hardware address", () => {
    const makers = "b827eb dca632 e45f01 28cdc1 d83add 2ccf67 88a29e".split(" ");
    const kindOf = (maker: string, type: number) => {
      const hardwareAddress = Buffer.from(`${maker}010203`, "hex");
      const { client } = discover(architecture(type), { hardwareAddress });
      return `${client?.architecture} ${client?.firmware}`;
    };
    for (const maker of makers) assert.equal(kindOf(maker, 0), "arm64 raspberry-pi", maker);
    assert.equal(kindOf("b827eb", 0x0b), "arm64 uefi");
    assert.equal(kindOf("b827ec", 0), "amd64 bios");
  });

  it("may send its architecture in option 60 instead of option 93", () => {
    const vendorClass = Buffer.from("PXEClient:Arch:00011:UNDI:003016");
    assert.equal(discover({ 93: undefined, 60: vendorClass }).client?.architecture, "arm64");
  });

  for (const [name, value] of Object.entries({
    "without a length byte": "iPXE",
    "with a length byte": "\u0004iPXE",
  })) {
    it(`is iPXE if its user class is iPXE, ${name}`, () => {
      assert.equal(discover({ 77: Buffer.from(value, "latin1") }).client?.isIpxe, true);
    });
  }

  it("gets no reply and no log line if it does not ask to boot", () => {
    for (const value of [undefined, Buffer.from("MSFT 5.0"), Buffer.from("udhcp 1.36")]) {
      const reply = discover({ 60: value });
      assert.ok(reply.kind === "no-reply" && !reply.isNotable);
    }
  });

  const identifiers: [name: string, value: Buffer][] = [
    ["of 16 bytes", Buffer.alloc(16)],
    ["of one byte", Buffer.alloc(1)],
    ["of 33 bytes", Buffer.alloc(33)],
    ["of another type", Buffer.from([1, ...Buffer.alloc(16)])],
  ];
  for (const [name, value] of identifiers) {
    it(`gets an offer although its machine identifier is malformed: ${name}`, () => {
      const reply = discover({ 97: value });
      assert.ok(reply.kind === "reply");
      assert.ok(reply.client.hasMalformedIdentifier);
      assert.equal(reply.client.uuid, undefined);
    });
  }

  // RFC 4578, section 2.1: option 93 lists the architectures that a machine supports.
  const lists: [types: number[], architecture: string | undefined, firmware: string | undefined][] =
    [
      [[6, 7], "amd64", "uefi"],
      [[7, 6], "amd64", "uefi"],
      [[99, 7], "amd64", "uefi"],
      [[0x0b, 7], "arm64", "uefi"],
      [[6], "386", "uefi"],
      [[99], undefined, undefined],
    ];
  for (const [types, machine, firmware] of lists) {
    it(`is ${machine} with ${firmware} if it lists the architectures ${types.join(", ")}`, () => {
      const { client } = discover({ 93: Buffer.from(types.flatMap((type) => [0, type])) });
      assert.deepEqual([client?.architecture, client?.firmware], [machine, firmware]);
    });
  }

  it("is a BIOS if it is a PXEClient that does not say what it is", () => {
    const { client } = discover({ 93: undefined, 60: Buffer.from("PXEClient") });
    assert.deepEqual([client?.architecture, client?.firmware], ["amd64", "bios"]);
  });

  const userClass = { 77: Buffer.from("iPXE") };
  const features: [name: string, option175: Buffer | undefined, runsScripts: boolean][] = [
    ["lists HTTP", Buffer.from([0xb1, 1, 1, 19, 1, 1]), true],
    ["lists features without HTTP", Buffer.from([0xb1, 1, 1, 0x21, 1, 1]), false],
    ["says that it lacks HTTP", Buffer.from([19, 1, 0]), false],
    ["lists no features", undefined, true],
  ];
  for (const [name, option, runsScripts] of features) {
    it(`${runsScripts ? "needs no" : "needs a"} boot program if it is an iPXE that ${name}`, () => {
      const { client } = discover({ ...userClass, 175: option });
      assert.equal(client?.runsScripts, runsScripts);
    });
  }

  it("prefers this server's offer to the DHCP server's if it is iPXE, as tshark shows", async () => {
    const reply = discover({ ...userClass, 175: Buffer.from([19, 1, 1]) });
    assert.ok(reply.kind === "reply");
    const path = join(await temporaryDirectory(), "answer.pcap");
    const view = decode(formatDhcp(reply.message), 67, path);
    // Suboption 1 of option 175 is a signed priority; iPXE ranks a DHCP server's settings with 0.
    assert.match(view, /Option: \(175\).*\n.*Length: 3\n.*Value: 010101/);
    const firmware = discover({});
    assert.ok(firmware.kind === "reply" && !firmware.message.options.has(175));
  });

  it("finds a NUL after the boot file name in option 67", () => {
    const reply = discover({});
    assert.ok(reply.kind === "reply" && reply.bootFile !== undefined);
    const bytes = formatDhcp(reply.message);
    const name = Buffer.from(reply.bootFile);
    const option = Buffer.concat([Buffer.from([67, name.length]), name]);
    assert.equal(bytes[bytes.indexOf(option) + option.length], 0);
  });

  it("gets a reply without a machine identifier if it sends none, like Intel's ROMs", () => {
    const reply = discover({ 97: undefined });
    assert.ok(reply.kind === "reply" && !reply.message.options.has(97));
  });

  it("gets its reply through its relay, with the relay's option echoed", () => {
    const agent = Buffer.from([1, 2, 0xab, 0xcd]);
    const reply = discover({ 82: agent }, { relayAddress: "192.168.5.1" });
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.to, { address: "192.168.5.1", port: 67 });
    assert.equal(reply.message.relayAddress, "192.168.5.1");
    assert.deepEqual(reply.message.options.get(82), agent);
  });

  it("gets back the boot item that it names on port 4011", () => {
    const item = Buffer.from([71, 4, 0, 0, 0, 0, 255]);
    const all = new Map(recorded.message.options).set(43, item).set(53, Buffer.from([3]));
    const message = { ...recorded.message, options: all };
    const to = { address: server, port: 4011 };
    const reply = decisionFor({ message, from: { address: "10.77.0.98", port: 68 }, to });
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.message.options.get(43), item);
  });
});
