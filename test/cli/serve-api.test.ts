import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommand } from "../extract/support/run-command.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { inOwnNetwork } from "./support/own-network.js";

const mac = "52:54:00:aa:bb:01";

describe("serve --api", () => {
  it("needs no directory, and logs machines that the API refuses", async () => {
    const output = await inOwnNetwork(`
      mkdir -p back-end/v1/boot; echo '{"kernel":"k","initrd":["i"],"cmdline":"quiet"}' > back-end/v1/boot/${mac}
      echo kernel > back-end/k; echo initrd > back-end/i
      (cd back-end; exec $node -e 'require("http").createServer((q,r)=>{try{r.end(fs.readFileSync("."+q.url))}catch{r.writeHead(404).end()}}).listen(9000)') & back=$!
      $netboot serve --api http://127.0.0.1:9000 --listen 10.9.8.7 --dhcp off 2> log & server=$!
      until_says log Serving; until curl -s -o nothing http://127.0.0.1:9000; do sleep 0.05; done
      curl -s "http://10.9.8.7:8080/machine.ipxe?mac=${mac}" > script
      for url in $(grep -o 'http://10[^ ]*' script); do curl -s $url; done
      curl -s -o nothing "http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:aa:bb:02"
      kill $server; wait $server; kill $back; cat log`);
    const parts = [
      /^kernel\ninitrd\n/,
      /52:54:00:aa:bb:01 {2}runs iPXE: boots the release of the boot API at http:\/\/127\.0\.0\.1:9000\/$/m,
      /52:54:00:aa:bb:01 {2}fetched all files of the release of the boot API at http:\/\/127\.0\.0\.1:9000\//,
      /52:54:00:aa:bb:02 {2}runs iPXE: has nothing to boot\. The boot API has nothing for this machine \(status 404\)\.$/m,
    ];
    for (const part of parts) assert.match(output, part);
  });

  it("refuses text that is not a URL", async () => {
    const cwd = await temporaryDirectory();
    const { status, stderr } = await runCommand(["serve", "--api", "10.0.0.1:9000"], { cwd });
    assert.equal(status, 2);
    assert.match(stderr, /--api 10\.0\.0\.1:9000 is not a URL/);
  });
});
