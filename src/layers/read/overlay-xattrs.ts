import type { TarEntry } from "../../tar/index.js";

/**
 * Extended attributes of the overlay driver (Linux, Documentation/filesystems/overlayfs.rst). In a
 * layer, they are left over from the machine that built the image. In a live system, whose root is
 * the lower directory of an overlay, they would hide or redirect files.
 */
const overlayPrefix = "trusted.overlay.";

/** Drops the attributes that belong to the overlay driver, as containerd and umoci do. */
export function withoutOverlayXattrs(entry: TarEntry): TarEntry {
  if (entry.xattrs === undefined) return entry;
  const kept = [...entry.xattrs].filter(([name]) => !name.startsWith(overlayPrefix));
  if (kept.length === entry.xattrs.size) return entry;
  const { xattrs: _, ...others } = entry;
  return kept.length === 0 ? others : { ...others, xattrs: new Map(kept) };
}
