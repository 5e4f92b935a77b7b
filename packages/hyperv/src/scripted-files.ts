import { createHash } from "node:crypto";
import { dateTimeFromDate } from "@signet/wsman";
import { recogniseScript } from "./schema/host-scripts.ts";
import type { ScriptedHost } from "./scripted-host.ts";

/** The files of a scripted host, with the programs and methods that work on them. Content stands for bytes. For tests of the driver. */
export class ScriptedFiles {
  readonly files = new Map<string, { content: string; modifiedAt: Date }>();
  readonly #folders = new Set<string>();
  /** What addresses lead to; one that is not listed is a 404. */
  readonly sources = new Map<string, string>();
  /** Files that something has open: they cannot be deleted. */
  readonly open = new Set<string>();
  readonly #host: ScriptedHost;

  constructor(host: ScriptedHost) {
    this.#host = host;
    host.program = (commandLine, write) => Promise.resolve(this.#run(commandLine, (text) => write("stdout", text), (text) => write("stderr", text)));
    host.methods.set("CIM_DataFile.Delete", (_input, target) => ({ ReturnValue: this.#delete(target.keys["Name"] ?? "") }));
    host.methods.set("CIM_DataFile.Rename", (input, target) => ({ ReturnValue: this.#rename(target.keys["Name"] ?? "", String(input["FileName"])) }));
    host.methods.set("Win32_Directory.Delete", (_input, target) => ({ ReturnValue: this.#deleteFolder(target.keys["Name"] ?? "") }));
    this.#show();
  }

  write(path: string, content: string, modifiedAt = new Date()): void {
    this.files.set(path, { content, modifiedAt });
    this.#show();
  }

  /** @returns the exit code of mkdir */
  makeFolder(path: string): number {
    if (this.#folders.has(path)) return 1;
    this.#folders.add(path);
    this.#show();
    return 0;
  }

  #run(commandLine: string, say: (text: string) => void, complain: (text: string) => void): number {
    const folder = /^mkdir "(.+)"$/.exec(commandLine)?.[1];
    if (folder !== undefined) return this.makeFolder(folder);
    const hashed = /^certutil -hashfile "(.+)" SHA256$/.exec(commandLine)?.[1];
    if (hashed !== undefined) {
      const digest = createHash("sha256").update(this.files.get(hashed)?.content ?? "").digest("hex");
      say(`SHA256 hash of ${hashed}:\r\n${digest}\r\nCertUtil: -hashfile command completed successfully.\r\n`);
      return 0;
    }
    const [, path, url] = /^curl\.exe .* --output "(.+)" "(.+)"$/.exec(commandLine) ?? [];
    if (path !== undefined && url !== undefined) return this.#fetch(url, path, complain);
    const script = recogniseScript(Buffer.from(/-EncodedCommand (.+)$/.exec(commandLine)?.[1] ?? "", "base64").toString("utf16le"));
    if (script?.script.name === "fetch-file") return this.#fetch(script.values["url"] ?? "", script.values["path"] ?? "", complain);
    complain(`'${commandLine.split(" ")[0]}' is not recognized\r\n`);
    return 9009;
  }

  #fetch(url: string, path: string, complain: (text: string) => void): number {
    const content = this.sources.get(url);
    if (content === undefined) {
      complain(`curl: (22) The requested URL returned error: 404 for ${url}\r\n`);
      return 22;
    }
    this.write(path, content);
    return 0;
  }

  #delete(path: string): number {
    if (this.open.has(path)) return 15;
    const deleted = this.files.delete(path);
    this.#show();
    return deleted ? 0 : 9;
  }

  #rename(from: string, to: string): number {
    const file = this.files.get(from);
    if (!file) return 9;
    if (this.files.has(to)) return 10;
    this.files.delete(from);
    this.files.set(to, file);
    this.#show();
    return 0;
  }

  #deleteFolder(path: string): number {
    const inside = [...this.files.keys()].filter((file) => file.startsWith(`${path}\\`));
    if (inside.some((file) => this.open.has(file))) return 15;
    for (const file of inside) this.files.delete(file);
    this.#folders.delete(path);
    this.#show();
    return 0;
  }

  #show(): void {
    this.#host.set("CIM_DataFile", ...[...this.files].map(([path, { content, modifiedAt }]) => ({
      Name: path, FileSize: BigInt(content.length), LastModified: dateTimeFromDate(modifiedAt), Drive: path.slice(0, 2), Path: path.slice(2, path.lastIndexOf("\\") + 1), Extension: path.slice(path.lastIndexOf(".") + 1),
    })));
    this.#host.set("Win32_Directory", ...[...this.#folders].map((path) => ({ Name: path })));
  }
}
