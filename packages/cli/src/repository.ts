import { fileURLToPath } from "node:url";

/** The folder of the checkout. Only the project's own verbs (test, bench) and the data that ships with it need it. */
export const repositoryRoot = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
