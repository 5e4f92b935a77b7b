import { recogniseScript } from "@signet/hyperv/schema/host-scripts";
import { printLine, type Program } from "../program.ts";
import { notRecognised } from "../run-program.ts";
import { splitArguments } from "../windows-arguments.ts";
import { fetchFile } from "./fetch-file.ts";
import { followPipe } from "./follow-pipe.ts";

type ScriptRunner = (context: Parameters<Program>[0], values: Readonly<Record<string, string>>) => Promise<number>;

const runners: Readonly<Record<string, ScriptRunner>> = { "fetch-file": fetchFile, "follow-pipe": followPipe };

/**
 * There is no PowerShell here. The driver's own scripts are recognised by their text and done natively; to all else the host answers as
 * one without PowerShell would, and says why.
 */
export const powershell: Program = async (context, tail) => {
  const script = encodedScript(splitArguments(tail));
  const recognised = script === null ? null : recogniseScript(script);
  const runner = recognised && runners[recognised.script.name];
  if (recognised && runner) return runner(context, recognised.values);
  const exitCode = await notRecognised(context, "powershell");
  await printLine(context.stderr, "This emulated host has no PowerShell. It performs the scripts of Signet's driver only.");
  return exitCode;
};

/** The text behind `-EncodedCommand`, which may be shortened as any of PowerShell's own parameters. */
function encodedScript(words: readonly string[]): string | null {
  const at = words.findIndex((word) => /^[-/](ec|e|en|enc\w*)$/i.test(word) && "encodedcommand".startsWith(word.slice(1).toLowerCase().replace(/^ec$/, "e")));
  const value = at < 0 ? undefined : words[at + 1];
  return value === undefined || !/^[A-Za-z0-9+/]+=*$/.test(value) ? null : Buffer.from(value, "base64").toString("utf16le");
}
