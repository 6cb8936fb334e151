const { join } = require("node:path");

module.exports = {
  plugins: { [join(__dirname, "test/prose/typescript-plugin.cjs")]: true },
  rules: { prh: { rulePaths: [join(__dirname, "test/prose/constructions.yml")] } },
};
