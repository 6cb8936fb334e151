// The order of the modules, from top to bottom: each imports only those below it.
const modules = [
  "cli",
  "boot-server",
  "inspect",
  "extract",
  "verify",
  "boot-media",
  "sbom",
  "squashfs",
  "kairos",
  "kernel",
  "initrd",
  "layers",
  "signatures",
  "sources",
  "artifacts",
  "compression",
  "tar",
  "oci-client",
  "support",
];

// The same for the folders of one module.
const folders = {
  "boot-server": [
    "check",
    "options",
    "http",
    "tftp",
    "dhcp",
    "machines",
    "releases",
    "events",
    "state",
    "files",
    "net",
  ],
  cli: ["commands", "reporters", "format"],
  layers: ["flatten", "read", "tree"],
  "oci-client": ["auth", "transport", "image", "core"],
  sources: ["registry", "local", "cache", "image-source"],
};

const upward = (comment, prefix, names) =>
  names.slice(1).map((name, index) => ({
    name: `no-upward-imports-from-${name}`,
    comment,
    severity: "error",
    from: { path: `^${prefix}/${name}/` },
    to: { path: `^${prefix}/(${names.slice(0, index + 1).join("|")})/` },
  }));

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Files that import each other cannot be understood one at a time.",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "no-folder-cycles",
      comment: "Folders that import each other are one folder.",
      severity: "error",
      scope: "folder",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "only-through-the-index",
      comment:
        "A module is used through its index.ts. The command line also loads small tables (transports, the options of extract, serve and verification, compressors), because the indexes of their modules would load everything that a pull needs.",
      severity: "error",
      from: { path: "^src/([^/]+)/" },
      to: {
        path: "^src/[^/]+/.+",
        pathNot:
          "^src/($1/|[^/]+/index\\.ts$|(sources/transports|extract/extract-option-table|boot-server/options/serve-option-table|signatures/verification-option-table|squashfs/compressors)\\.ts$)",
      },
    },
    {
      name: "oci-client-stands-alone",
      comment: "The client is a package of its own: kairos-netboot/oci-client.",
      severity: "error",
      from: { path: "^src/oci-client/" },
      to: { path: "^src/", pathNot: "^src/oci-client/" },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-dev-dependencies-in-the-program",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
    },
    ...upward("A module imports only those below it.", "src", modules),
    {
      name: "no-imports-from-the-parent-folder",
      comment:
        "A folder's own files are above its folders: what those share is in the lowest of them.",
      severity: "error",
      from: { path: "^(src/.+)/[^/]+/[^/]+\\.ts$" },
      to: { path: "^$1/[^/]+\\.ts$" },
    },
    ...Object.entries(folders).flatMap(([module, names]) =>
      upward("A folder imports only those below it.", `src/${module}`, names),
    ),
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
