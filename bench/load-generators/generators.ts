/** Other work on this machine, started and stopped at moments drawn from a seed. */
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Bounds for how long a generator runs and for the pause before the next one; a run of a minute meets many. */
const [SHORTEST_MS, LONGEST_MS] = [300, 6000];

/** The first takes a core; the second takes memory bandwidth and caches as well. */
const PROGRAMS = [
  "for (;;);",
  "const a = Buffer.alloc(64e6, 1), b = Buffer.alloc(64e6, 2); for (;;) { a.copy(b); b.copy(a); }",
] as const;

/** Runs generators until `stop`, each time on a newly drawn number of cores. Ends only what it has started. */
export function startGenerators(seed: number): { readonly stop: () => void } {
  // Without the multiplication, neighbouring seeds would begin alike.
  const random = xoroshiro128plus(Math.imul(seed, 0x9e3779b1));
  const pauseMs = () => uniformInt(random, SHORTEST_MS, LONGEST_MS);
  let running: ChildProcess[] = [];
  const end = () => {
    for (const one of running) one.kill("SIGKILL");
    running = [];
  };
  const turn = () => {
    if (running.length > 0) end();
    else {
      const cores = uniformInt(random, 1, availableParallelism());
      const program = PROGRAMS[uniformInt(random, 0, PROGRAMS.length - 1)] ?? PROGRAMS[0];
      running = Array.from({ length: cores }, () =>
        spawn(process.execPath, ["-e", program], { stdio: "ignore" }),
      );
    }
    timer = setTimeout(turn, pauseMs());
  };
  let timer = setTimeout(turn, pauseMs());
  return {
    stop: () => {
      clearTimeout(timer);
      end();
    },
  };
}
