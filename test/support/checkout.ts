import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The directory of the project. Bundled tests do not know how deep they are below it. */
export const checkout = findCheckout(import.meta.dirname);

function findCheckout(directory: string): string {
  const isCheckout = existsSync(join(directory, "package-lock.json"));
  return isCheckout ? directory : findCheckout(dirname(directory));
}
