// Bundles the page into build/console: `node localstack/console/page/build.mjs` (`make page`).
import { build } from "esbuild";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../../build/console");
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [join(here, "main.tsx"), join(here, "theme.ts")],
  bundle: true,
  format: "esm",
  target: "es2022",
  outdir: out,
  minify: true,
  sourcemap: "linked",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  logLevel: "warning",
});
for (const file of ["index.html", "icon.svg"]) copyFileSync(join(here, file), join(out, file));
