import { type Static, Type } from "typebox";

/** The configuration of `signet serve`. docs/operating/configuration.md explains each key. */
export const configurationSchema = Type.Object(
  {
    dataDir: Type.String({ minLength: 1, description: "folder of image data, keys and logs" }),
    listen: Type.String({ pattern: "^(\\[[^\\]]+\\]|[^:]+):[0-9]{1,5}$", description: "HOST:PORT of the APIs and the page" }),
    publicUrl: Type.Optional(Type.String({ pattern: "^https?://", description: "address that clients and hosts reach, when it is not the one listened on" })),
    databaseUrl: Type.Optional(Type.String({ pattern: "^postgres(ql)?://", description: "PostgreSQL 15 or newer; without it an embedded one runs in dataDir" })),
    policyProfile: Type.Union([Type.Literal("blueprint"), Type.Literal("nova-hyperv"), Type.Literal("nova-libvirt")], { description: "table that decides Secure Boot" }),
    roles: Type.Array(Type.Union([Type.Literal("api"), Type.Literal("worker")]), { minItems: 1, description: "what this process does" }),
  },
  { additionalProperties: false },
);

export type Configuration = Static<typeof configurationSchema>;

export const configurationDefaults = {
  dataDir: "signet-data",
  listen: "127.0.0.1:8780",
  policyProfile: "blueprint",
  roles: ["api", "worker"],
} as const;

/** Keys whose values never leave the process. */
export const secretKeys: ReadonlySet<string> = new Set(["databaseUrl"]);
