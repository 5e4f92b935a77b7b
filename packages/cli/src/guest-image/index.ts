export { buildGuestImage, tamper, type DiskFormat, type GuestImageOptions } from "./build-guest-image.ts";
export { findGuestPrograms, type GuestPrograms } from "./guest-packages.ts";
