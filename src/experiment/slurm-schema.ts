/** `executor.slurm` of an experiment file: options named as in sbatch, and a few that only falcon-exp has. */
import { z } from "zod";

/** Text without line breaks, because a line break would end the line of the script that contains it. */
const line = z
  .string()
  .min(1, { error: "must not be empty" })
  .regex(/^[^\r\n\0]*$/, { error: "must be one line" });
const option = z.union([line, z.number(), z.boolean()], { error: "must be text, a number, true or false" });
const OPTION_NAME = /^[a-z][a-z0-9-]*$/;
/** A plan has no more configurations than this, and so no more references to distribute. */
const MOST_TASKS = 10_000;

export const slurmSchema = z.strictObject({
  partition: line.optional(),
  account: line.optional(),
  qos: line.optional(),
  time: z
    .union([line, z.int().min(1)])
    .optional()
    .meta({ description: "Time limit of a task: minutes, or 01:30:00." }),
  gres: line.optional().meta({ description: "Such as gpu:1." }),
  "cpus-per-task": z.int().min(1).optional(),
  mem: z
    .union([line, z.int().min(1)])
    .optional()
    .meta({ description: "Memory of a task: 64G." }),
  constraint: line.optional(),
  exclude: line.optional(),
  "array-limit": z
    .int()
    .min(1)
    .optional()
    .meta({ description: "How many tasks run at once; default: no limit." }),
  signal: z.int().min(10).max(3600).default(90).meta({
    description: "Seconds before the time limit at which a task stops and keeps what it has; default 90.",
  }),
  tasks: z.int().min(1).max(MOST_TASKS).optional().meta({
    description:
      "Maximum number of tasks; never more than there are references. Default: tasks of 5 to 60 minutes, by the experiment's newest run; 100 without one.",
  }),
  retries: z.int().min(0).max(20).default(2).meta({
    description: "How often an interrupted task is submitted again; default 2.",
  }),
  setup: z
    .array(line)
    .default([])
    .meta({ description: "Lines of the script before falcon-exp, such as module load cuda." }),
  options: z
    .record(z.string(), option)
    .refine((options) => Object.keys(options).every((key) => OPTION_NAME.test(key)), {
      error: "must have long options of sbatch as keys, without dashes before them",
    })
    .default({})
    .meta({ description: "Any further option of sbatch: {nice: 100, exclusive: true}." }),
});
export type SlurmSettings = z.infer<typeof slurmSchema>;

export const executorSchema = z.strictObject({
  slurm: slurmSchema.meta({ description: "Measure with Slurm, in array tasks (docs/slurm.md)." }),
});
