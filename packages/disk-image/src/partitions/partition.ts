/** A stretch of the disk that firmware offers to its file-system drivers. */
export interface Partition {
  /** The number firmware gives it: the entry's place in a GPT, a running number elsewhere. */
  readonly number: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

export type Partitioning = "gpt" | "mbr" | "el-torito" | "none";

export interface PartitionTable {
  readonly partitioning: Partitioning;
  /** In the order in which firmware tries them. */
  readonly partitions: readonly Partition[];
}
