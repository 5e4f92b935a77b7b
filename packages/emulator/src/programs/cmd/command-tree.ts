/** A parsed line of cmd.exe. */
export type Command =
  | { readonly kind: "run"; readonly text: string; readonly redirections: readonly Redirection[] }
  | { readonly kind: "group"; readonly body: Command; readonly redirections: readonly Redirection[] }
  | { readonly kind: "join"; readonly operator: "&" | "&&" | "||" | "|"; readonly left: Command; readonly right: Command }
  | { readonly kind: "if"; readonly condition: Condition; readonly whenTrue: Command; readonly whenFalse: Command | null };

/** `handle` is 0 for input, 1 for output, 2 for errors. `target` names a file, or another handle as in `2>&1`. */
export interface Redirection {
  readonly handle: number;
  readonly mode: "read" | "write" | "append";
  readonly target: string | { readonly handle: number };
}

export interface Condition {
  readonly negated: boolean;
  readonly ignoreCase: boolean;
  readonly test:
    | { readonly kind: "exist"; readonly path: string }
    | { readonly kind: "errorlevel"; readonly least: number }
    | { readonly kind: "defined"; readonly name: string }
    | { readonly kind: "compare"; readonly operator: string; readonly left: string; readonly right: string };
}

/** A line that cmd.exe does not understand; the message is what it prints. */
export class CommandSyntaxError extends Error {
  override readonly name = "CommandSyntaxError";
}
