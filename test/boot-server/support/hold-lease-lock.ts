/** Takes the lock of the leases in a directory and keeps it until the process ends. */
import { LeaseLock } from "../../../src/boot-server/dhcp/leases/lease-lock.js";

await LeaseLock.take(process.argv[2] ?? "");
console.log("taken");
setInterval(() => {}, 60_000);
