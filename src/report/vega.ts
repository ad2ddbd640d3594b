/** Vega and Vega-Lite, which the build makes one file of: forty packages in files of their own load three times as slowly. */
export * as vega from "vega";
export * as vegaLite from "vega-lite";
