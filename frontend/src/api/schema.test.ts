// @vitest-environment node
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

import { GENERATED, schemaText } from "../../scripts/schema.mjs";

it("holds the wire types of the OpenAPI document as it is now (npm run generate)", async () => {
  expect(await readFile(GENERATED, "utf8")).toBe(await schemaText());
  // Making them takes seconds where others work, too.
}, 60_000);
