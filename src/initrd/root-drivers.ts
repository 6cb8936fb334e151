/** A driver that the root file system of a netbooted machine needs. */
export interface RootDriver {
  /** Name of the kernel module. */
  readonly name: string;
  /** The option of the kernel's configuration. */
  readonly option: string;
}

export const rootDrivers: readonly RootDriver[] = [
  { name: "squashfs", option: "CONFIG_SQUASHFS" },
  { name: "overlay", option: "CONFIG_OVERLAY_FS" },
];

/** The one of these drivers that a file contains, for example `…/overlay.ko.xz`. */
export function rootDriverAt(path: string): RootDriver | undefined {
  const name = /(?:^|\/)([^/]+)\.ko(?:\.(?:gz|xz|zst))?$/.exec(path)?.[1];
  return rootDrivers.find((driver) => driver.name === name);
}

/**
 * Those of these drivers that are built into a kernel.
 * @param text `modules.builtin` (Linux, Documentation/kbuild/kbuild.rst), the kernel's configuration,
 *   or both
 */
export function findBuiltInDrivers(text: string): RootDriver[] {
  return rootDrivers.filter(({ name, option }) =>
    new RegExp(`(?:^${option}=y|/${name}\\.ko)$`, "m").test(text),
  );
}
