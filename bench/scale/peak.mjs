/** Loaded into a program before it starts; when the program ends, it writes how much memory the program held at most. */
import { writeFileSync } from "node:fs";

const { BENCH_PEAK_FILE: file } = process.env;
// Kibibytes, of the process with all its threads.
if (file) process.on("exit", () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
