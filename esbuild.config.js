// node esbuild.config.js program   bundles the program into dist/
// node esbuild.config.js tests     bundles the tests, with the sources that they import, into .build/
//
// A bundle starts in half the time, because Node loads a few files instead of several hundred.
import { build } from "esbuild";

const common = {
  bundle: true,
  // What several entry points share, or only some commands load, becomes a file of its own.
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  // CommonJS packages in the bundle call require().
  banner: {
    js: 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);',
  },
  logLevel: "warning",
};

/** The decompressor starts it by this name, in the directory of the bundle. */
const worker = { in: "src/compression/zstd-worker.ts", out: "zstd-worker" };

const bundles = {
  program: {
    entryPoints: [
      { in: "src/cli/index.ts", out: "cli" },
      { in: "src/index.ts", out: "index" },
      { in: "src/oci-client/index.ts", out: "oci-client" },
      worker,
    ],
    outdir: "dist",
    minifyWhitespace: true,
    minifySyntax: true,
  },
  tests: {
    entryPoints: [
      "test/**/*.test.ts",
      "test/bench/*.bench.ts",
      // Programs that tests or make start.
      "test/boot-server/support/ask-dhcp.ts",
      "test/boot-server/support/fuzz.ts",
      "test/boot-server/support/hold-lease-lock.ts",
      "test/boot-server/support/serve-in-lan.ts",
      "test/cli/support/run-commands.ts",
      "test/failed-tests.ts",
      "test/reference/write-reference.ts",
      "test/sources/support/pull.ts",
      worker,
    ],
    outbase: ".",
    outdir: ".build",
    external: ["@cyclonedx/*", "ajv", "ajv-formats", "fast-check"],
  },
};

const bundle = bundles[process.argv[2]];
if (bundle === undefined) throw new Error(`Usage: ${process.argv[1]} program|tests`);
await build({ ...common, ...bundle });
