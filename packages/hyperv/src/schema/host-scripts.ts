/**
 * The PowerShell scripts that the driver runs on a host where no program of the system does the job. They are facts shared with the
 * emulated host, which has no PowerShell: it recognises these scripts, with whatever parameters, and does what they mean.
 */
export interface HostScript {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Lines of PowerShell in which `{{name}}` stands for a parameter inside single quotes. */
  readonly template: string;
}

/** What `powershell.exe` is started with in front of the encoded script. */
export const powershellPrefix = "powershell -NoProfile -NonInteractive -EncodedCommand ";

/**
 * Downloads a file, on releases without curl.exe (before build 17063). TLS 1.2 is switched on by hand: .NET 4 does not offer it by
 * itself there. BITS is no choice: it refuses in a network logon, which every WinRM logon is (0x800704DD).
 */
export const fetchFileScript: HostScript = {
  name: "fetch-file",
  parameters: ["url", "path"],
  template: [
    "$ErrorActionPreference = 'Stop'",
    "try {",
    "  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072",
    "  $request = [Net.HttpWebRequest]::Create('{{url}}')",
    "  $request.ReadWriteTimeout = 300000",
    "  $response = $request.GetResponse()",
    "  $target = [IO.File]::Create('{{path}}')",
    "  try { $response.GetResponseStream().CopyTo($target, 1048576); $target.Flush($true) } finally { $target.Dispose(); $response.Dispose() }",
    "} catch { [Console]::Error.WriteLine($_.Exception.Message); exit 22 }",
  ].join("\n"),
};

/**
 * Copies what a machine's serial port says from its named pipe to standard output, until the machine closes it. The worker process is
 * the pipe's server, so that only one reader at a time is connected.
 */
export const followPipeScript: HostScript = {
  name: "follow-pipe",
  parameters: ["pipe"],
  template: [
    "$ErrorActionPreference = 'Stop'",
    "try {",
    "  $pipe = New-Object IO.Pipes.NamedPipeClientStream('.', '{{pipe}}', [IO.Pipes.PipeDirection]::InOut)",
    "  $pipe.Connect(10000)",
    "  $out = [Console]::OpenStandardOutput()",
    "  $buffer = New-Object byte[] 4096",
    "  while (($count = $pipe.Read($buffer, 0, $buffer.Length)) -gt 0) { $out.Write($buffer, 0, $count); $out.Flush() }",
    "} catch { [Console]::Error.WriteLine($_.Exception.Message); exit 2 }",
  ].join("\n"),
};

export const hostScripts: readonly HostScript[] = [fetchFileScript, followPipeScript];

/** The command line that runs the script. @throws Error when a parameter is missing or holds a line break */
export function scriptCommandLine(script: HostScript, values: Readonly<Record<string, string>>): string {
  let text = script.template;
  for (const name of script.parameters) {
    const value = values[name];
    if (value === undefined || /[\r\n]/.test(value)) throw new Error(`The script ${script.name} needs the parameter ${name} as one line.`);
    // A quote inside a single-quoted string is written twice; nothing else is special there.
    text = text.replaceAll(`{{${name}}}`, () => value.replaceAll("'", "''"));
  }
  return powershellPrefix + Buffer.from(text, "utf16le").toString("base64");
}

/** The script that a decoded `-EncodedCommand` text is, with its parameters; null for any other text. */
export function recogniseScript(text: string): { readonly script: HostScript; readonly values: Readonly<Record<string, string>> } | null {
  for (const script of hostScripts) {
    const pattern = script.template.split(/\{\{(\w+)\}\}/).map((part, index) => (index % 2 === 1 ? `(?<${part}>(?:[^'\\r\\n]|'')*)` : RegExp.escape(part))).join("");
    const match = new RegExp(`^${pattern}$`).exec(text);
    if (match) return { script, values: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, value.replaceAll("''", "'")])) };
  }
  return null;
}
