export { commandLineCharactersMax } from "./server/shells.ts";
export type { RunningProgram, ShellCommand, ShellOutput, ShellPrograms } from "./provider.ts";
