/** Something that a file holds: from where, how far, what. */
export interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly what: string;
}

/** What is wrong with where things lie in a file, as a part of a sentence; null when each has its own place inside. */
export function findMisplaced(places: readonly Place[], fileSizeBytes: number): string | null {
  let before: Place | null = null;
  for (const place of places.toSorted((one, other) => one.offset - other.offset)) {
    if (place.offset + place.sizeBytes > fileSizeBytes) return `${place.what} is said to lie at byte ${place.offset} of a file of ${fileSizeBytes}`;
    if (before && before.offset + before.sizeBytes > place.offset) return `${place.what} lies at byte ${place.offset}, where ${before.what} is`;
    before = place;
  }
  return null;
}
