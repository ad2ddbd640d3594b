/** The fonts in which charts are drawn and their text is measured. */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const resolvePath = (file: string) => require.resolve(`dejavu-fonts-ttf/ttf/${file}`);

/** Absolute paths of TrueType files. Throws if the package is missing. */
export function chartFonts(): Readonly<Record<"regular" | "bold", string>> {
  return { regular: resolvePath("DejaVuSans.ttf"), bold: resolvePath("DejaVuSans-Bold.ttf") };
}
