/** The routes, all of which only read. */
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { FalconError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { ProcessName } from "../base/process-name.js";
import type { RunPaths } from "../run/paths.js";
import { indexRuns, type KnownRun } from "../run/run-index.js";
import { scanRun } from "../run/scan-records.js";
import { isGoingOn } from "../run/task-folders.js";
import type { Asset } from "./assets.js";
import { compareSides } from "./comparison.js";
import { sendEvents } from "./events.js";
import { guard } from "./guard.js";
import { runAddress } from "./pages/addresses.js";
import { comparePage } from "./pages/compare.js";
import { messagePage } from "./pages/layout.js";
import { livePage, progressPart } from "./pages/live.js";
import { runsPage, runsQuery } from "./pages/runs.js";
import { REPORT_SECURITY_POLICY, renderReport, withWayBack } from "./report-page.js";
import { servedRun } from "./served-run.js";

export interface AppOptions {
  /** Absolute path. */
  readonly resultsFolder: string;
  /** The command with which the user calls falcon-exp. */
  readonly program: string;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly self: ProcessName;
  /** Defects are written here; a page only says that there was one. */
  readonly log: Log;
  /** Ends the event streams when it is aborted. */
  readonly signal: AbortSignal;
}

export function createApp(options: AppOptions): Hono {
  const { resultsFolder, program, assets, self, log } = options;
  const known = new Map<string, KnownRun>();
  const runs = () => indexRuns({ folder: resultsFolder, known });
  const app = new Hono();
  app.use(guard);

  app.get("/", async (context) =>
    context.html(runsPage(await runs(), runsQuery(context.req.query()), { folder: resultsFolder, program })),
  );

  app.get("/compare", async (context) => {
    const sides = (context.req.queries("side") ?? []).filter((side) => side !== "");
    const result = await compareSides(resultsFolder, sides, context.req.query("force") === "1");
    return context.html(comparePage({ runs: await runs(), sides, result }));
  });

  app.get("/assets/:name", (context) => {
    const asset = assets.get(context.req.param("name"));
    return asset === undefined
      ? notFound(context)
      : context.body(asset.content, 200, { "content-type": asset.type });
  });

  app.get("/runs/*", async (context) => {
    const address = runAddress(new URL(context.req.url).pathname);
    const paths = address === null ? null : await servedRun(resultsFolder, address.names);
    if (address === null || paths === null) return notFound(context);
    const path = address.names.join("/");
    switch (address.view) {
      case "report.html":
        return context.html(withWayBack(await renderReport(paths), path), 200, {
          "content-security-policy": REPORT_SECURITY_POLICY,
        });
      case "live":
        return context.html(await liveNow(path, paths, self));
      case "events":
        return eventStream(context, paths, options);
      default:
        return notFound(context);
    }
  });

  app.notFound((context) => notFound(context));
  app.onError((error, context) => {
    if (error instanceof FalconError)
      return context.html(messagePage(error.code, error.message, error.next), 422);
    log.write("error", "page-failed", { error, path: context.req.path });
    return context.html(
      messagePage("Internal error", "This page could not be created; the terminal has details.", null),
      500,
    );
  });
  return app;
}

/** The page as it is before the first event arrives, and for a browser without scripts. */
async function liveNow(path: string, paths: RunPaths, self: ProcessName) {
  const { progress } = await scanRun(paths);
  const isAlive = progress.end === null && (await isGoingOn(paths, self));
  const end = isAlive ? null : progress.end === null ? "writer-gone" : "ended";
  return livePage(path, progressPart(progress, end), []);
}

function eventStream(context: Context, paths: RunPaths, { self, signal, log }: AppOptions): Response {
  return streamSSE(
    context,
    async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      await sendEvents(stream, paths, self, AbortSignal.any([signal, gone.signal]));
    },
    async (error) => log.write("error", "events-failed", { error }),
  );
}

function notFound(context: Context): Response | Promise<Response> {
  return context.html(
    messagePage("Not found", "This page or run does not exist.", "Choose a run from the list."),
    404,
  );
}
