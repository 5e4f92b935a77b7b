export type * from "./ast.ts";
export * from "./evaluate.ts";
export { matchesLike } from "./like.ts";
export { WqlSyntaxError } from "./lexer.ts";
export { parseWql } from "./parser.ts";
