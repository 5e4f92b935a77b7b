import { CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES } from "../../images/image-record.ts";

/** Schema documents. The `glance` client builds its model of an image from them and refuses locally what they do not allow. */

type Schema = Readonly<Record<string, unknown>>;

const text = (description: string, more: Schema = {}): Schema => ({ type: "string", description, ...more });
const readOnly = (schema: Schema): Schema => ({ ...schema, readOnly: true });
const nullable = (type: string, description: string, more: Schema = {}): Schema => ({ type: ["null", type], description, ...more });
const UUID_PATTERN = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";
const STATUSES = ["queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete", "deactivated"];

const imageProperties: Schema = {
  id: text("An identifier for the image", { pattern: UUID_PATTERN }),
  name: nullable("string", "Descriptive name for the image", { maxLength: 255 }),
  status: readOnly(text("Status of the image", { enum: STATUSES })),
  visibility: text("Scope of image accessibility", { enum: VISIBILITIES }),
  protected: { type: "boolean", description: "If true, image will not be deletable." },
  os_hidden: { type: "boolean", description: "If true, image will not appear in default image list response." },
  checksum: readOnly(nullable("string", "md5 hash of image contents.", { maxLength: 32 })),
  os_hash_algo: readOnly(nullable("string", "Algorithm to calculate the os_hash_value", { maxLength: 64 })),
  os_hash_value: readOnly(nullable("string", "Hexdigest of the image contents using the algorithm specified by the os_hash_algo", { maxLength: 128 })),
  owner: nullable("string", "Owner of the image", { maxLength: 255 }),
  size: readOnly(nullable("integer", "Size of image file in bytes")),
  virtual_size: readOnly(nullable("integer", "Virtual size of image in bytes")),
  container_format: nullable("string", "Format of the container", { enum: [null, ...CONTAINER_FORMATS] }),
  disk_format: nullable("string", "Format of the disk, as declared; signet_detected_format says what it is", { enum: [null, ...DISK_FORMATS] }),
  created_at: readOnly(text("Date and time of image registration")),
  updated_at: readOnly(text("Date and time of the last image modification")),
  tags: { type: "array", description: "List of strings related to the image", items: { type: "string", maxLength: 255 } },
  direct_url: readOnly(text("URL to access the image file kept in external store")),
  min_ram: { type: "integer", description: "Amount of ram (in MB) required to boot image." },
  min_disk: { type: "integer", description: "Amount of disk space (in GB) required to boot image." },
  self: readOnly(text("An image self url")),
  file: readOnly(text("An image file url")),
  schema: readOnly(text("An image schema url")),
  stores: readOnly(text("Store in which image data resides.")),
  // Without an enumeration: the client would refuse other values itself, and people would not read our sentence.
  os_secure_boot: text("Whether machines of this image boot with UEFI Secure Boot: disabled, optional or required; absent means disabled", { is_base: false }),
  os_secure_boot_signature: text("The boot loader's signature: a template's name or GUID, sha256:<64 hex digits>, or the signature in base64 or PEM", { is_base: false }),
  hw_machine_type: text("Generation of the machine; Secure Boot needs hyperv-gen2", { is_base: false }),
};

const image: Schema = {
  name: "image",
  properties: imageProperties,
  additionalProperties: { type: "string" },
  links: [{ rel: "self", href: "{self}" }, { rel: "enclosure", href: "{file}" }, { rel: "describedby", href: "{schema}" }],
};

const member: Schema = {
  name: "member",
  properties: {
    member_id: text("An identifier for the image member (tenantId)"),
    image_id: text("An identifier for the image", { pattern: UUID_PATTERN }),
    created_at: text("Date and time of image member creation"),
    updated_at: text("Date and time of last modification of image member"),
    status: text("The status of this image member", { enum: ["pending", "accepted", "rejected"] }),
    schema: readOnly(text("An image member schema url")),
  },
};

const task: Schema = {
  name: "task",
  properties: {
    id: text("An identifier for the task", { pattern: UUID_PATTERN }),
    type: text("The type of task represented by this content"),
    status: text("The current status of this task"),
    owner: text("An identifier for the owner of this task"),
  },
};

const namespace: Schema = {
  name: "namespace",
  properties: {
    namespace: text("The unique namespace text.", { maxLength: 80 }),
    display_name: text("The user friendly name for the namespace. Used by UI if available.", { maxLength: 80 }),
    description: text("Provides a user friendly description of the namespace.", { maxLength: 500 }),
    visibility: text("Scope of namespace accessibility.", { enum: ["public", "private"] }),
    protected: { type: "boolean", description: "If true, namespace will not be deletable." },
    owner: text("Owner of the namespace.", { maxLength: 255 }),
  },
};

const resourceType: Schema = {
  name: "resource_type_association",
  properties: {
    name: text("Resource type names should be aligned with Heat resource types whenever possible.", { maxLength: 80 }),
    prefix: text("Specifies the prefix to use for the given resource type.", { maxLength: 80 }),
  },
};

const collectionOf = (name: string, item: Schema, key: string): Schema => ({
  name,
  properties: { [key]: { type: "array", items: item }, first: { type: "string" }, next: { type: "string" }, schema: { type: "string" } },
  links: [{ rel: "first", href: "{first}" }, { rel: "next", href: "{next}" }, { rel: "describedby", href: "{schema}" }],
});

/** By the path after `/v2/schemas/`. */
export const imageSchemas: Readonly<Record<string, Schema>> = {
  image,
  images: collectionOf("images", image, "images"),
  member,
  members: collectionOf("members", member, "members"),
  task,
  tasks: collectionOf("tasks", task, "tasks"),
  "metadefs/namespace": namespace,
  "metadefs/namespaces": collectionOf("namespaces", namespace, "namespaces"),
  "metadefs/resource_type": resourceType,
  "metadefs/resource_types": collectionOf("resource_type_associations", resourceType, "resource_type_associations"),
};
