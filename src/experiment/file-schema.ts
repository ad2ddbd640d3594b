/** The schema of the experiment file as written: the single source of its validation and its JSON Schema. */
import { z } from "zod";
import { quantizationMatchSchema } from "../quantization/registry.js";
import { AXIS_NAMES, type AxisName, axisSchemas, generationAxes } from "./axis-schemas.js";
import { MAX_SEED, modelInputSchema } from "./model-schema.js";
import { PROMPT_FILE_KINDS } from "./prompt-rows.js";
import { qualityInputSchema } from "./quality-schema.js";
import { executorSchema } from "./slurm-schema.js";
import { text } from "./text-schema.js";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The longest delay that Node's timers accept, in seconds, rounded down. */
const MAX_TIMEOUT_SEC = 2_000_000;

const promptId = z
  .string()
  .regex(NAME, { error: "must be 1 to 64 letters, digits, dots, dashes or underscores" })
  .optional()
  .meta({ description: "A short name for tables; default p1, p2, …" });

const conversation = z
  .array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: text }))
  .min(1, { error: "must hold at least one message" })
  .refine((messages) => messages.at(-1)?.role === "user", {
    error: "must end with a message of the user, which the model answers",
  })
  .meta({ description: "A conversation that the model continues, through its chat template." });

export const promptInputSchema = z.union(
  [
    text,
    z.strictObject({
      id: promptId,
      text,
    }),
    z.strictObject({ id: promptId, messages: conversation }),
  ],
  { error: "must be text, or a mapping {id, text} or {id, messages}" },
);
export type PromptInput = z.infer<typeof promptInputSchema>;

export const promptListSchema = z.array(promptInputSchema).min(1, { error: "must hold at least one prompt" });

export const promptFileSchema = z.strictObject({
  file: text.meta({
    description: `${PROMPT_FILE_KINDS}, relative to this file.`,
  }),
  field: z
    .union([text, z.array(text).min(1)], { error: "must be a key such as question, or a list of keys" })
    .optional()
    .meta({
      description:
        "Key of the text in each row, such as question or messages[0].content; several are joined by a blank line. Default: text or prompt.",
    }),
  id_field: text.optional().meta({
    description: "Key of the name in each row; default: id, task_id or question_id, where there is one.",
  }),
});
export type PromptFileInput = z.infer<typeof promptFileSchema>;

const timeout = (name: string, seconds: number) =>
  z
    .number()
    .gt(0)
    .max(MAX_TIMEOUT_SEC)
    .default(seconds)
    .meta({ description: `${name}; default ${seconds}.` });

const timeoutsSchema = z.strictObject({
  heartbeat_sec: timeout("Longest time without a heartbeat from the worker's supervisor", 15),
  start_sec: timeout("Longest time without progress while the libraries are imported", 600),
  load_sec: timeout("Longest time without progress while a model is downloaded and loaded", 1800),
  warmup_sec: timeout("Longest time without progress in a warm-up", 600),
  measure_sec: timeout("Longest time without progress in a measured trial", 600),
  quality_sec: timeout("Longest time without progress while a text is scored", 600),
  unload_sec: timeout("Longest time without progress while a model is unloaded", 60),
});

const MAX_REPEATS = 10_000;
const repeatsSchema = z
  .union(
    [
      z.int().min(1).max(MAX_REPEATS),
      z.literal("auto"),
      z.strictObject({
        width: z
          .number()
          .gt(0)
          .max(2)
          .default(0.1)
          .meta({ description: "Wanted width of the decode rate's 95 % interval ÷ the rate; default 0.1." }),
        fewest: z.int().min(2).max(MAX_REPEATS).default(3).meta({ description: "Default 3." }),
        most: z.int().min(2).max(MAX_REPEATS).default(20).meta({ description: "Default 20." }),
      }),
    ],
    { error: "must be a whole number from 1 to 10,000, auto, or a mapping {width, fewest, most}" },
  )
  .default(1)
  .meta({
    description:
      "How often each prompt is measured (default 1); auto or {width, fewest, most}: until the decode rate is known precisely enough.",
  });
const roundsSchema = z
  .union(
    [
      z.int().min(1).max(1000),
      z.strictObject({
        count: z.int().min(1).max(1000),
        seed: z.int().min(0).max(MAX_SEED).default(0).meta({ description: "Seed of the order; default 0." }),
      }),
    ],
    { error: "must be a whole number from 1 to 1,000, or a mapping {count, seed}" },
  )
  .optional()
  .meta({
    description:
      "How many times each configuration is loaded and measured; every second round runs in reverse order. Default: 1. If configurations are compared: two loads, which share the trials if there are at least five per configuration (with repeats: auto, each load decides for itself when to stop), and up to six more if the ratio of their speeds is not known precisely enough.",
  });

type Axes = typeof axisSchemas;
type OneOrMore<V extends z.ZodType> = z.ZodUnion<readonly [V, z.ZodArray<V>]>;

const oneOrMore = <V extends z.ZodType>(value: V): OneOrMore<V> =>
  z.union([value, z.array(value).min(1, { error: "must hold at least one value" })]);

/** The shape of an object schema in which every axis is optional and keeps its help text. */
function axesShape(buildSchema: (name: AxisName) => z.ZodType): Record<string, z.ZodType> {
  return Object.fromEntries(
    AXIS_NAMES.map((name) => {
      const description = axisSchemas[name].meta()?.description ?? name;
      return [name, buildSchema(name).optional().meta({ description })];
    }),
  );
}

const matrixSchema = z.strictObject(
  axesShape((name) => oneOrMore(axisSchemas[name])) as { [K in AxisName]: z.ZodOptional<OneOrMore<Axes[K]>> },
);
const cellSchema = z.strictObject(
  axesShape((name) => axisSchemas[name]) as { [K in AxisName]: z.ZodOptional<Axes[K]> },
);
type MatchOf<K extends AxisName> = K extends "quantization" ? typeof quantizationMatchSchema : Axes[K];
const matchSchema = z.strictObject(
  axesShape((name) => oneOrMore(name === "quantization" ? quantizationMatchSchema : axisSchemas[name])) as {
    [K in AxisName]: z.ZodOptional<OneOrMore<MatchOf<K>>>;
  },
);

/** The whole experiment file. */
export const experimentFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(NAME, {
        error:
          "must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit",
      })
      .meta({ description: "Name of the folder of results: letters, digits, dots, dashes, underscores." }),
    description: z.string().optional().meta({ description: "For people; changes nothing." }),
    model: modelInputSchema,
    prompts: z
      .union([promptListSchema, promptFileSchema], {
        error: "must be a list of prompts, or {file: prompts.txt}",
      })
      .meta({ description: "A list of texts, {id, text} or {id, messages}; or {file, field, id_field}." }),
    generation: z
      .strictObject(optionalShape(generationAxes))
      .optional()
      .meta({ description: "How each answer is generated; default: greedy, 32 new tokens." }),
    matrix: matrixSchema.optional().meta({
      description: "Every combination of these becomes a configuration; the last axis varies fastest.",
    }),
    exclude: z
      .array(matchSchema)
      .optional()
      .meta({ description: "Combinations left out; an axis that is not named matches anything." }),
    include: z.array(cellSchema).optional().meta({
      description:
        "Configurations added; an axis that is not named takes its first value in the matrix, else its default.",
    }),
    repeats: repeatsSchema,
    rounds: roundsSchema,
    sentinel: z
      .union([z.boolean(), text, matchSchema], {
        error: "must be true, a configuration's label, or a mapping such as {quantization: none}",
      })
      .default(false)
      .meta({
        description:
          "A configuration (true: the reference) that is also measured at start, middle and end, to report drift; default false.",
      }),
    quality: qualityInputSchema.optional(),
    profile: z
      .boolean()
      .default(false)
      .meta({ description: "Also measure the share of time outside the linear layers; default false." }),
    skip_implied: z.boolean().default(true).meta({
      description:
        "After a configuration ran out of memory, skip those that need at least as much; default true.",
    }),
    retries: z.int().min(0).max(10).default(1).meta({
      description:
        "How often a configuration is retried after a failure that may be temporary, such as a killed worker; default 1.",
    }),
    disturbed_retries: z.int().min(0).max(10).default(2).meta({
      description: "How often a trial that other work on the machine disturbed is measured again; default 2.",
    }),
    price_per_hour: z.number().gt(0).max(1_000_000).optional().meta({
      description:
        "Price of the machine per hour, in any currency: reports then show the cost of a million answer tokens.",
    }),
    smallest_difference: z.number().min(0).max(1).default(0.01).meta({
      description: "Smaller differences from the reference are called the same; default 0.01, 1 %.",
    }),
    warmup: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .meta({ description: "Generations before measuring, kept but not counted; default 1." }),
    reference: z
      .union([text, matchSchema], {
        error: "must be a configuration's label, or a mapping such as {quantization: none}",
      })
      .optional()
      .meta({
        description:
          "The configuration that others of the same model are compared with; default: the unquantized one with the same values of all other axes, else the model's first.",
      }),
    trust_remote_code: z
      .boolean()
      .default(false)
      .meta({ description: "Run Python code that comes with the model. Only for models that you trust." }),
    workarounds: z.enum(["auto", "none"]).default("auto").meta({
      description:
        "auto (default) works around known library defects; none leaves the libraries as they are.",
    }),
    executor: executorSchema.optional().meta({
      description: "Where the experiment is measured; default: in one process on this machine.",
    }),
    timeouts: timeoutsSchema
      .prefault({})
      .meta({ description: "Deadlines without progress, in seconds, per phase." }),
  })
  .meta({
    title: "falcon-exp experiment",
    description: "One experiment: a model, prompts and a matrix of configurations.",
  });
export type ExperimentFile = z.infer<typeof experimentFileSchema>;
export type MatchInput = z.infer<typeof matchSchema>;
export type CellInput = z.infer<typeof cellSchema>;

function optionalShape<S extends Record<string, z.ZodType>>(
  shape: S,
): { [K in keyof S]: z.ZodOptional<S[K]> } {
  const entries = Object.entries(shape).map(([name, schema]) => [name, schema.optional()]);
  return Object.fromEntries(entries) as { [K in keyof S]: z.ZodOptional<S[K]> };
}
