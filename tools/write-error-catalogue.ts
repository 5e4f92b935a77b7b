import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderErrorCatalogue } from "./error-catalogue.ts";

writeFileSync(fileURLToPath(new URL("../docs/errors.md", import.meta.url)), renderErrorCatalogue());
