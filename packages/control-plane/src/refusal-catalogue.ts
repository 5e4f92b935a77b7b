/** One way in which Signet says no: a code that never changes its meaning, and what a person does next. */
export interface CatalogueEntry {
  readonly code: string;
  /** What it is answered with; several where upstream answers the same differently by place. 500 stands in a server's fault. */
  readonly httpStatus: readonly number[];
  /** When it is said. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

const entry = (code: string, httpStatus: number | readonly number[], meaning: string, remedy: string): CatalogueEntry => ({ code, httpStatus: [httpStatus].flat(), meaning, remedy });

/** Every code of a refusal. docs/errors.md is printed from here (tools/write-error-catalogue.ts), and tests hold sources and document to it. */
export const refusalCatalogue: readonly CatalogueEntry[] = [
  entry("SIG-AUTH-REQUIRED", 401, "The request has no valid token, or the user, password or project of a token request is wrong. Which of them is never said.", "Check user, password, project and domains (the OS_… variables), and ask for a new token: they last an hour."),
  entry("SIG-AUTH-SCOPE", 403, "The token is for no project, and images and servers belong to projects.", "Ask for a token with a project (OS_PROJECT_NAME)."),

  entry("SIG-IDENTITY-NOT-FOUND", 404, "No project, user, role, domain, service, endpoint or region has this id.", "Look the id up by name: openstack project list, user list, role list."),
  entry("SIG-IDENTITY-FORBIDDEN", 403, "The action on identities is for administrators.", "Use a user with the role admin."),
  entry("SIG-IDENTITY-MALFORMED", 400, "The request's body is not JSON, or lacks the part that is named.", "Send the named part; the sentence says where it belongs."),
  entry("SIG-IDENTITY-INVALID", 400, "A field has a wrong type or is missing.", "Correct the field that the sentence names."),
  entry("SIG-IDENTITY-DUPLICATE", 409, "Another project, user or role has this name.", "Choose another name, or use the one that exists."),
  entry("SIG-IDENTITY-IN-USE", 403, "The role is one of those that access is decided by, and cannot be deleted.", "Take it from users with openstack role remove instead."),
  entry("SIG-IDENTITY-NO-SUBJECT", 404, "A token was to be looked at or revoked, and X-Subject-Token is missing.", "Send the token in X-Subject-Token."),
  entry("SIG-IDENTITY-UNKNOWN-TOKEN", 404, "The token to be looked at is unknown, expired or revoked.", "Ask for a new token."),

  entry("SIG-IMAGE-NOT-FOUND", 404, "No image that the caller may see has this id or name.", "openstack image list shows what there is; hidden and community images must be asked for."),
  entry("SIG-IMAGE-AMBIGUOUS", 409, "Several images have this name.", "Use the id of the one that is meant; the sentence lists them."),
  entry("SIG-IMAGE-SECURE-BOOT", 400, "os_secure_boot has a value outside disabled, optional, required.", "Set one of them, or remove the property: absent means disabled."),
  entry("SIG-IMAGE-INVALID", 400, "An attribute, property, member or patch of an image is malformed.", "Correct what the sentence names."),
  entry("SIG-IMAGE-MALFORMED", 400, "The body of a request to the image service is not JSON.", "Send JSON."),
  entry("SIG-IMAGE-QUERY", 400, "A filter, sort key, limit or marker of an image list is wrong.", "Correct the parameter that the sentence names."),
  entry("SIG-IMAGE-FORBIDDEN", 403, "The image is protected or deactivated, the attribute is read-only or reserved, or the caller does not own the image.", "Ask its owner or an administrator; unprotect an image before deleting it (openstack image set --unprotected)."),
  entry("SIG-IMAGE-CONFLICT", 409, "The image's status or another entry stands against the change: an image takes its data once, a member is added once.", "Look at the image's status; make a new image for other data."),
  entry("SIG-IMAGE-LIMIT", 413, "An image would have more properties, tags or members than the limit (128 of each).", "Remove some first."),
  entry("SIG-IMAGE-MEDIA-TYPE", 415, "The Content-Type is not one that the request takes.", "Use application/octet-stream for data and one of the types in Accept-Patch for changes."),
  entry("SIG-IMAGE-MEMBER-NOT-FOUND", 404, "The project is not a member of the image.", "glance member-list shows the members."),
  entry("SIG-IMAGE-DISK-FULL", 413, "The disk that holds the images is full, or has only left what the database needs. Nothing of the upload was kept.", "Delete images that are no longer needed, or enlarge the disk of the data folder, and upload again."),
  entry("SIG-IMAGE-UPLOAD-BROKEN", 400, "The connection ended before the data did. Nothing of it was kept and the image is queued again.", "Upload again."),
  entry("SIG-IMAGE-GONE", 410, "The image was deleted while its data was uploaded.", "Create the image anew and upload again."),
  entry("SIG-IMAGE-NO-DATA", 409, "A host was to fetch an image that has no data.", "Upload the image's data first."),
  entry("SIG-TRANSFER-UNKNOWN", 404, "The address from which a host fetches an image is wrong or has expired.", "Begin the transfer anew: each one has an address of its own."),
  entry("SIG-JUDGE-FAILED", [], "In a verdict: the image could not be judged, and the verdict is unknown. The upload was kept.", "Report it with the image; signet inspect on the file tells the same."),

  entry("SIG-IMAGE-UNKNOWN", 400, "A server was asked for from an image that does not exist or that the project may not use.", "openstack image list shows what there is."),
  entry("SIG-IMAGE-NOT-ACTIVE", 400, "A server was asked for from an image without data, or a deactivated one.", "Upload its data, or reactivate it."),
  entry("SIG-IMAGE-METADATA", 400, "A property that places servers (architecture, hypervisor_type, vm_mode, hypervisor_version_requires) has a value outside Nova's lists.", "Correct the property that the sentence names."),
  entry("SIG-IMAGE-MACHINE-TYPE", 400, "hw_machine_type is not one of Hyper-V's generations.", "Set hw_machine_type=hyperv-gen2 (UEFI) or hyperv-gen1 (BIOS) on the image."),
  entry("SIG-IMAGE-FORMAT", 400, "The image's data is neither VHDX nor VHD, and Hyper-V boots nothing else.", "qemu-img convert -O vhdx -o subformat=dynamic IN OUT.vhdx, and upload the result."),
  entry("SIG-IMAGE-NO-DISK", 400, "The image's data is no disk: it is empty, or a file of another kind.", "Upload the right file to a new image; an image takes its data once."),
  entry("SIG-POLICY-GEN2", 400, "Secure Boot is asked for, and the image is not a Generation 2 image.", "Set hw_machine_type=hyperv-gen2 on the image, or do not ask for Secure Boot."),
  entry("SIG-POLICY-SIGNATURE", 400, "Secure Boot is asked for a Linux image that has no os_secure_boot_signature, and none was found in its data.", "Set os_secure_boot_signature on the image, for example to MicrosoftUEFICertificateAuthority."),
  entry("SIG-POLICY-SIGNATURE-CONTRADICTED", 400, "os_secure_boot_signature states something that the image's boot loader contradicts.", "Correct or remove the property; the sentence gives both values."),
  entry("SIG-POLICY-VHD", 400, "A Generation 2 machine is asked for, and the image's data is a VHD. Generation 2 boots VHDX only.", "qemu-img convert -O vhdx -o subformat=dynamic IN.vhd OUT.vhdx, and upload the result."),
  entry("SIG-POLICY-CONFLICT", 400, "Image and flavor contradict each other about Secure Boot under the policy profile in force.", "Make the two agree; docs/policy.md has the tables of each profile."),
  entry("SIG-PREDICTED-REFUSED", 400, "Firmware will refuse the image under the template that the machine would get.", "Follow the remedy of the verdict; an administrator may force it with the scheduler hint signet:force."),
  entry("SIG-FORCE-FORBIDDEN", 403, "Somebody who is no administrator asked to go past a predicted refusal.", "Ask an administrator."),
  entry("SIG-NO-VALID-HOST", 500, "No host can take the server. The sentence names each host with its one reason.", "Change what the reasons name: the request, the image's properties, or the hosts."),
  entry("SIG-READ-BACK-DIFFERS", 500, "The host did not make the machine as asked; the sentence gives each difference. The machine has been removed.", "Look at the host's event log."),
  entry("SIG-FIRMWARE-REFUSED", 500, "Firmware refused the boot loader. The machine runs at the firmware's screen.", "Correct the image's boot loader or template and create the server again."),
  entry("SIG-MACHINE-GONE", 500, "The server's machine is no longer on its host.", "Delete the server and create it again."),
  entry("SIG-WORK-CANCELLED", 409, "The work was ended because the server is being deleted.", "Nothing: the server goes."),

  entry("SIG-SERVER-UNKNOWN", 404, "No server that the caller may see has this id.", "openstack server list shows what there is."),
  entry("SIG-SERVER-STATE", 409, "The server's state does not allow the action.", "Wait until its task is done, or start or stop it first."),
  entry("SIG-FLAVOR-UNKNOWN", [404, 400], "No flavor has this id.", "openstack flavor list --all shows what there is."),
  entry("SIG-FLAVOR-NAME-TAKEN", 409, "Another flavor has this name.", "Choose another name."),
  entry("SIG-FLAVOR-ID-TAKEN", 409, "Another flavor has this id.", "Choose another id, or leave it out."),
  entry("SIG-FLAVOR-MEMORY", 400, "The flavor has less memory than the image's min_ram.", "Choose a larger flavor."),
  entry("SIG-FLAVOR-DISK", 400, "The flavor's disk is smaller than the image's min_disk.", "Choose a flavor with a larger disk."),
  entry("SIG-COMPUTE-REQUEST", 400, "A request to the compute service is malformed.", "Correct what the sentence names."),
  entry("SIG-COMPUTE-UNKNOWN", 404, "The compute service has no such resource, or not at this microversion.", "Check the id and the microversion."),
  entry("SIG-COMPUTE-CONFLICT", 409, "Another resource, or the present state, stands against the change.", "Look at what the sentence names."),
  entry("SIG-COMPUTE-POLICY", 403, "The action is for administrators, or for members of the project.", "Use a user with the role that is needed."),
  entry("SIG-COMPUTE-UNSUPPORTED", 400, "The cloud does not take this part of a server request.", "Leave it out."),
  entry("SIG-COMPUTE-VERSION", 406, "The microversion is outside what is spoken.", "Ask for one within the range in the sentence."),
  entry("SIG-COMPUTE-VERSION-FORMAT", 400, "The microversion is not one.", "Write it as 2.N, or latest."),

  entry("SIG-HOST-UNKNOWN", 404, "No host has this id or name.", "signet host list shows what there is."),
  entry("SIG-HOST-FORBIDDEN", 403, "Hosts are seen and changed by administrators only.", "Use a user with the role admin."),
  entry("SIG-HOST-IN-USE", 409, "The host still has servers.", "Delete them first."),
  entry("SIG-HOST-CONNECTION", 400, "How to reach the host is not fully or not rightly said.", "Send name, url, user, password and, for a self-signed certificate, tlsFingerprint."),
  entry("SIG-EXPLAIN-QUERY", 400, "Nothing was named to explain.", "Ask with ?image=<id>&flavor=<id>."),

  entry("SIG-HTTP-PATH", 404, "There is nothing at this path.", "See /signet/v1/openapi.json for Signet's own API; the others are at /identity/v3, /image/v2 and /compute/v2.1."),
  entry("SIG-HTTP-METHOD", 405, "The path exists, and does not take this method.", "The header Allow lists the methods that it takes."),
  entry("SIG-HTTP-JSON", 400, "The body of the request is not JSON.", "Send JSON."),
  entry("SIG-HTTP-BODY-SIZE", 413, "The body of the request is larger than what is read.", "Send less."),
  entry("SIG-HTTP-RANGE", 416, "The range of bytes lies outside the data, or several ranges are asked for.", "Ask for one range within the size in Content-Range."),
  entry("SIG-HTTP-REQUEST", [400, 404, 405, 408, 413, 414, 415], "The request is not one that HTTP allows.", "Correct what the sentence names."),
  entry("SIG-INTERNAL", 500, "Signet failed because of a fault of its own.", "Report it with the log lines of the request id in the answer."),
];
