import { TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { Empty } from "./notices.tsx";
import { Link, useQueryValue } from "./router.tsx";

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
}

export interface SearchableTableProps<Row> {
  /** What the rows are: "image". */
  readonly noun: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** Everything a person may remember of a row. */
  readonly searchText: (row: Row) => readonly (string | null)[];
  readonly searchHint: string;
  readonly jsonHref: (row: Row) => string;
  readonly jsonLabel: (row: Row) => string;
}

/** Rows that contain every word typed, whatever the case. */
export function filterRows<Row>(rows: readonly Row[], search: string, searchText: (row: Row) => readonly (string | null)[]): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = searchText(row).filter(Boolean).join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** A table whose first column names the row, with a search box above; rows become blocks on a narrow screen. */
export function SearchableTable<Row>(props: SearchableTableProps<Row>): ReactNode {
  const { noun, columns, rowKey } = props;
  const [search, setSearch] = useQueryValue("search");
  const found = filterRows(props.rows, search, props.searchText);
  const shown = found.length === props.rows.length ? `${found.length} ${noun}${found.length === 1 ? "" : "s"}` : `${found.length} of ${props.rows.length} ${noun}s`;
  return (
    <div className="card">
      <div className="pair" style={{ justifyContent: "space-between", marginBottom: 18 }}>
        <TextInput type="search" aria-label={`Search ${noun}s`} placeholder={props.searchHint} value={search} onChange={(event) => setSearch(event.currentTarget.value)} w="min(100%, 360px)" />
        <span className="note" role="status">
          {shown}
        </span>
      </div>
      {found.length === 0 ? (
        <Empty title={`No ${noun} matches “${search}”`}>Search for part of a name, a word of a state, or part of an id.</Empty>
      ) : (
        <table className="table" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <th key={column.name} scope="col" role="columnheader">
                  {column.name}
                </th>
              ))}
              <th scope="col" role="columnheader">
                Source
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">{found.map((row) => <Row key={rowKey(row)} row={row} {...props} />)}</tbody>
        </table>
      )}
    </div>
  );
}

function Row<Data>({ row, columns, jsonHref, jsonLabel }: SearchableTableProps<Data> & { readonly row: Data }): ReactNode {
  const [first, ...others] = columns;
  return (
    <tr role="row">
      <th scope="row" role="rowheader">
        {first?.cell(row)}
      </th>
      {others.map((column) => (
        <td key={column.name} data-label={column.name} role="cell">
          <div className="stack">{column.cell(row)}</div>
        </td>
      ))}
      <td data-label="Source" role="cell">
        <Link href={jsonHref(row)} aria-label={jsonLabel(row)} size="sm">
          JSON
        </Link>
      </td>
    </tr>
  );
}
