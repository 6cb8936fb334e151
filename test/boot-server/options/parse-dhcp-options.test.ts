import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDhcpOptions } from "../../../src/boot-server/options/parse-dhcp-options.js";
import { NetbootError } from "../../../src/support/index.js";

const eth0 = { interface: "eth0", address: "192.168.77.1", netmask: "255.255.255.0" };
const eth1 = { interface: "eth1", address: "10.0.0.1", netmask: "255.255.255.0" };
const valid = { dhcp: "server", dhcpRange: "192.168.77.100-192.168.77.199", stateDir: "/state" };

describe("the options of --dhcp server", () => {
  it("become settings", () => {
    const settings = parseDhcpOptions(
      { ...valid, dhcpRouter: "192.168.77.254", dhcpDns: ["9.9.9.9"] },
      [eth0],
    );
    assert.ok(settings);
    const { range, ...rest } = settings;
    assert.equal(range.last - range.first, 99);
    assert.deepEqual(rest, {
      network: eth0,
      leaseSeconds: 3600,
      router: "192.168.77.254",
      dns: ["9.9.9.9"],
      excluded: ["192.168.77.1", "192.168.77.254", "9.9.9.9"],
      leasesPath: "/state/leases",
      allowOtherServers: false,
      discoveryTimeoutMs: undefined,
    });
  });

  const times: [text: string, seconds: number | undefined][] = [
    ["90s", 90],
    ["30m", 1800],
    ["12h", 43_200],
    ["7d", 604_800],
    ["59s", undefined],
    ["366d", undefined],
    ["1y", undefined],
    ["-5m", undefined],
    ["", undefined],
  ];
  for (const [dhcpLeaseTime, seconds] of times) {
    it(`${seconds === undefined ? "reject" : "accept"} the lease time ${JSON.stringify(dhcpLeaseTime)}`, () => {
      const parse = () => parseDhcpOptions({ ...valid, dhcpLeaseTime }, [eth0])?.leaseSeconds;
      if (seconds !== undefined) assert.equal(parse(), seconds);
      else assert.throws(parse, { code: "USAGE_INVALID", message: /^--dhcp-lease-time must be/ });
    });
  }

  const rejected: [name: string, options: object, message: RegExp, hint: RegExp][] = [
    [
      "a missing range",
      { ...valid, dhcpRange: undefined },
      /needs the range/,
      /192\.168\.77\.100-192\.168\.77\.199/,
    ],
    ["one address as a range", { ...valid, dhcpRange: "192.168.77.9" }, /first and the last/, /./],
    [
      "a range of another network",
      { ...valid, dhcpRange: "10.9.0.1-10.9.0.9" },
      /not inside a served network: 192\.168\.77\.1 \(255\.255\.255\.0\)/,
      /./,
    ],
    [
      "a range with the broadcast address",
      { ...valid, dhcpRange: "192.168.77.250-192.168.77.255" },
      /not inside/,
      /./,
    ],
    ["a huge range", { ...valid, dhcpRange: "10.0.0.1-10.9.0.1" }, /more than 65536/, /./],
    [
      "a router of another network",
      { ...valid, dhcpRouter: "10.0.0.1" },
      /not in the network/,
      /./,
    ],
    ["a name as a DNS server", { ...valid, dhcpDns: ["dns"] }, /not an IPv4 address/, /./],
    ["a range without --dhcp server", { ...valid, dhcp: "proxy" }, /--dhcp-range needs/, /omit/],
  ];
  for (const [name, options, message, hint] of rejected) {
    it(`reject ${name}`, () => {
      const isExpected = (error: unknown) =>
        error instanceof NetbootError && message.test(error.message) && hint.test(error.hint ?? "");
      assert.throws(() => parseDhcpOptions(options, [eth0]), isExpected);
    });
  }

  it("reject two interfaces", () => {
    assert.throws(() => parseDhcpOptions(valid, [eth0, eth1]), {
      code: "LISTEN_INVALID",
      hint: /--listen eth0/,
    });
  });

  it("are not needed for --dhcp proxy", () => {
    assert.equal(parseDhcpOptions({ dhcp: "proxy" }, [eth0]), undefined);
  });
});
