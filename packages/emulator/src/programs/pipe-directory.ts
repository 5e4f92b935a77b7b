import type { ConsoleBuffer } from "../machine/console-buffer.ts";

/** The named pipes of the host: a machine's serial port is one while the machine is on. Names are without `\\.\pipe\` and without regard to case. */
export interface PipeDirectory {
  find(pipeName: string): ConsoleBuffer | null;
}
