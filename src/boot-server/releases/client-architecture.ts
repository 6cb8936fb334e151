/** The architecture of a machine, by the names that OCI image indexes use. */
export type MachineArchitecture = "amd64" | "386" | "arm64" | "arm" | "riscv64";

/** The firmware that starts the first program that a machine fetches. */
export type Firmware = "bios" | "uefi" | "u-boot" | "raspberry-pi";
