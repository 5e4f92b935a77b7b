import { spawn } from "node:child_process";

const errorTextCharactersMax = 1000;

/**
 * Copies a file or a folder, blocks shared where the file system can, holes kept: a virtual disk of terabytes may take a few megabytes.
 * `cp` knows where the holes are; Node cannot ask. It gets two full paths as arguments, never a command line. What it leaves when it is
 * ended is for the caller to keep or remove.
 */
export function copySparsely(fromLocal: string, toLocal: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const copying = spawn("cp", ["--recursive", "--no-dereference", "--no-target-directory", "--reflink=auto", "--sparse=always", "--preserve=timestamps", "--", fromLocal, toLocal], { stdio: ["ignore", "ignore", "pipe"], ...(signal ? { signal } : {}) });
    let text = "";
    copying.stderr.setEncoding("utf8").on("data", (more: string) => {
      text = (text + more).slice(0, errorTextCharactersMax);
    });
    copying.on("error", reject);
    copying.on("close", (code) => (code === 0 ? resolve() : reject(new Error(text.trim() || `The copy ended with ${code}.`))));
  });
}
