import { createHash, generateKeyPairSync } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import type { KeypairTable } from "../../store/tables/compute.ts";
import { adminOf, requesterOf } from "./compute-caller.ts";
import { bodyMember, type Schema } from "./check-input.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest, conflict, notFound } from "./fault-envelope.ts";

const typedFrom = 2;
const namesWidenedFrom = 92;

const keypairSchema = (version: number): Schema => ({
  type: "object", required: version >= namesWidenedFrom ? ["name", "public_key"] : ["name"],
  properties: {
    name: { type: "string", min: 1, max: 255, pattern: version >= namesWidenedFrom ? /^[a-zA-Z0-9_@.\- ]+$/ : /^[a-zA-Z0-9_\- ]+$/ }, public_key: { type: "string", min: 1, max: 16_384 },
    ...(version >= typedFrom ? { type: { type: "string", values: ["ssh", "x509"] } } : {}), ...(version >= 10 ? { user_id: { type: "string" } } : {}),
  },
});

export function serveKeypairs(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/os-keypairs", async (request) => {
    const keys = await store.selectFrom("keypairs").selectAll().where("user_id", "=", userOf(request)).orderBy("name").execute();
    return { keypairs: keys.map((key) => ({ keypair: viewBriefly(request, key) })) };
  });
  scope.get<{ Params: { name: string } }>("/os-keypairs/:name", async (request) => {
    const key = await store.selectFrom("keypairs").selectAll().where("user_id", "=", userOf(request)).where("name", "=", request.params.name).executeTakeFirst();
    if (key === undefined) throw noSuchKey(request);
    return { keypair: { ...viewBriefly(request, key), user_id: key.user_id, id: 0, created_at: `${key.created_at.toISOString().slice(0, 23)}000`, deleted: false, deleted_at: null, updated_at: null } };
  });
  scope.post("/os-keypairs", async (request, reply) => {
    const body = bodyMember<{ name: string; public_key?: string; user_id?: string }>(request.body, "keypair", keypairSchema(request.microversion));
    const userId = body.user_id ?? requesterOf(request).userId;
    if (userId !== requesterOf(request).userId) adminOf(request, "os_compute_api:os-keypairs:create");
    const made = body.public_key === undefined ? generateKey() : null;
    const publicKey = body.public_key ?? made!.publicKey;
    const key = { user_id: userId, name: body.name, public_key: publicKey, fingerprint: fingerprintOf(publicKey), type: "ssh", created_at: new Date() };
    const added = await store.insertInto("keypairs").values(key).onConflict((onConflict) => onConflict.doNothing()).executeTakeFirst();
    if (Number(added.numInsertedOrUpdatedRows) === 0) throw conflict(`Key pair '${body.name}' already exists.`);
    void reply.code(request.microversion >= typedFrom ? 201 : 200);
    return { keypair: { ...viewBriefly(request, key), user_id: userId, ...(made === null ? {} : { private_key: made.privateKey }) } };
  });
  scope.delete<{ Params: { name: string } }>("/os-keypairs/:name", async (request, reply) => {
    const { numDeletedRows } = await store.deleteFrom("keypairs").where("user_id", "=", userOf(request)).where("name", "=", request.params.name).executeTakeFirst();
    if (Number(numDeletedRows) === 0) throw noSuchKey(request);
    return reply.code(request.microversion >= typedFrom ? 204 : 202).send();
  });
}

/** One's own keys; an administrator may name another user from 2.10 on. */
function userOf(request: FastifyRequest): string {
  const asked = (request.query as { user_id?: string }).user_id;
  const own = requesterOf(request).userId;
  if (asked === undefined || asked === own || request.microversion < 10) return own;
  adminOf(request, "os_compute_api:os-keypairs:index");
  return asked;
}

function noSuchKey(request: FastifyRequest): Error {
  return notFound(`Keypair ${(request.params as { name: string }).name} not found for user ${userOf(request)}`);
}

function viewBriefly(request: FastifyRequest, key: Pick<Selectable<KeypairTable>, "name" | "public_key" | "fingerprint" | "type">): object {
  return { name: key.name, public_key: key.public_key, fingerprint: key.fingerprint, ...(request.microversion >= typedFrom ? { type: key.type } : {}) };
}

/** MD5 of the key's blob in pairs, as Nova shows it. Throws Nova's 400 for what is no OpenSSH public key. */
function fingerprintOf(publicKey: string): string {
  const [algorithm, blob] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(blob ?? "", "base64");
  // The blob begins with the length and name of the algorithm that stands before it (RFC 4253, section 6.6).
  const named = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1") : "";
  if (algorithm === undefined || named !== algorithm) throw badRequest("Keypair data is invalid: failed to generate fingerprint");
  return createHash("md5").update(bytes).digest("hex").match(/../g)!.join(":");
}

function generateKey(): { readonly publicKey: string; readonly privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { e, n } = publicKey.export({ format: "jwk" });
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  // A number whose first bit is set would be read as negative (RFC 4251, section 5, mpint).
  const number = (text: string): Buffer => {
    const bytes = Buffer.from(text, "base64url");
    return field(bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
  };
  const blob = Buffer.concat([field(Buffer.from("ssh-rsa")), number(e!), number(n!)]);
  return { publicKey: `ssh-rsa ${blob.toString("base64")} Generated-by-Signet`, privateKey: privateKey.export({ type: "pkcs1", format: "pem" }) as string };
}
