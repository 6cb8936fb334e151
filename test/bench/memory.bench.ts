/**
 * Measures how much memory `extract` needs for images with many files: it keeps no contents of the
 * layers, but a little for each file. Prints a table and has no pass or fail criterion.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addImage } from "../extract/support/images.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";
import { checkout } from "../support/checkout.js";
import type { TarItem } from "../support/tar-builder.js";
import { measure } from "./measure.js";

const program = join(checkout, "bin/kairos-netboot.js");
const counts = [10_000, 100_000, 300_000];

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "kairos-netboot-bench-"));
  try {
    console.log(`Node ${process.version}; images of small files, as an OCI layout\n`);
    console.log("| files | wall s | Node MB |\n| --- | --- | --- |");
    for (const count of counts) {
      const layout = join(work, `layout-${count}`);
      const content = new ImageContent();
      await content.writeLayout(
        layout,
        addImage(content, [baseLayer, rolesToFetch(count)]),
        "latest",
      );
      const image = `oci:${layout}:latest`;
      const options = `-o ${work}/out --platform amd64 --force --quiet`;
      const extract = `${process.execPath} ${program} extract ${image} ${options}`;
      const { wall, nodeMemory } = await measure(extract, work);
      const megabytes = (nodeMemory / 1e6).toFixed(0);
      console.log(`| ${count.toLocaleString("en")} | ${wall.toFixed(1)} | ${megabytes} |`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Files in directories of one hundred each. */
function rolesToFetch(count: number): TarItem[] {
  return Array.from({ length: count }, (_, index) => {
    const group = Math.floor(index / 100);
    const directory = `usr/share/many/${String(Math.floor(group / 100)).padStart(3, "0")}`;
    return { name: `${directory}/${group}/configuration-${index}.conf`, content: "a line\n" };
  });
}

await main();
