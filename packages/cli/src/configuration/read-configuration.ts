import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { Value } from "typebox/value";
import { ExitError, exitCodes } from "../exit.ts";
import { type Configuration, configurationDefaults, configurationSchema, secretKeys } from "./schema.ts";

type Layer = Record<string, unknown>;

/** Merges defaults, the file and the environment, in rising order. Unknown keys and wrong values are errors that name the key. */
export async function readConfiguration(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<Configuration> {
  const layers = [configurationDefaults as Layer, file === undefined ? {} : await readFileLayer(file), readEnvironmentLayer(environment)];
  const merged = Object.assign({}, ...layers) as Layer;
  for (const key of Object.keys(merged)) {
    if (!(key in configurationSchema.properties)) throw new ExitError(exitCodes.configuration, `configuration key "${key}" is unknown. Known keys: ${Object.keys(configurationSchema.properties).join(", ")}.`);
  }
  const first = Value.Errors(configurationSchema, merged)[0];
  if (first !== undefined) {
    const key = first.instancePath.split("/")[1] ?? "";
    const described = (configurationSchema.properties as Record<string, { description?: string }>)[key]?.description ?? "";
    throw new ExitError(exitCodes.configuration, `configuration key "${key}" is ${maskedText(key, merged[key])}: ${first.message}. It is the ${described}.`);
  }
  return merged as Configuration;
}

/** The merged result as people may see it. */
export function maskSecrets(configuration: Configuration): Layer {
  return Object.fromEntries(Object.entries(configuration).map(([key, value]) => [key, secretKeys.has(key) ? "********" : value]));
}

async function readFileLayer(file: string): Promise<Layer> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new ExitError(exitCodes.configuration, `the configuration file ${file} cannot be read (${(error as Error).message}). Check --config.`, { cause: error });
  });
  try {
    const parsed: unknown = extname(file) === ".toml" ? (await import("smol-toml")).parse(text) : (await import("yaml")).parse(text);
    if (parsed === null || parsed === undefined) return {};
    if (typeof parsed !== "object" || Array.isArray(parsed)) throw new Error("it is not a table of keys");
    return parsed as Layer;
  } catch (error) {
    throw new ExitError(exitCodes.configuration, `the configuration file ${file} is not valid ${extname(file) === ".toml" ? "TOML" : "YAML"}: ${(error as Error).message}`, { cause: error });
  }
}

/** `SIGNET_DATA_DIR` is `dataDir`; lists are comma-separated. Variables of the same prefix that name no key belong to others (tests, set-up). */
function readEnvironmentLayer(environment: NodeJS.ProcessEnv): Layer {
  const layer: Layer = {};
  for (const [key, schema] of Object.entries(configurationSchema.properties)) {
    const value = environment[`SIGNET_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`];
    if (value === undefined) continue;
    layer[key] = (schema as { type?: string }).type === "array" ? value.split(",").map((part) => part.trim()) : value;
  }
  return layer;
}

function maskedText(key: string, value: unknown): string {
  return secretKeys.has(key) ? "not usable" : JSON.stringify(value);
}
