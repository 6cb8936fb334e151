#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { main } from "../dist/cli/index.js";

// By itself V8 takes up to twice the memory that it needs before it clears any of it. For an image
// of 300,000 files this is a third less, in the same time.
setFlagsFromString("--heap-growing-percent=20");

process.exitCode = await main(process.argv);
