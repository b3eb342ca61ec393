// The official Node.js SDK against a running server: node check.js http://127.0.0.1:PORT
// (npm install tablestore beforehand). Prints "passed: ..." and ends with 0, or throws.
const assert = require("assert");
const TableStore = require("tablestore");
const Long = TableStore.Long;

const client = new TableStore.Client({
  accessKeyId: "demo-key",
  secretAccessKey: "demo-secret",
  endpoint: process.argv[2],
  instancename: "demo",
});
const table = "node_check";
const ignore = new TableStore.Condition(TableStore.RowExistenceExpectation.IGNORE, null);
const exist = new TableStore.Condition(TableStore.RowExistenceExpectation.EXPECT_EXIST, null);
const key = (number) => [{ k: "a" }, { id: Long.fromNumber(number) }];
const named = (row) => Object.fromEntries(row.attributes.map((c) => [c.columnName, c.columnValue]));
const passed = [];
/** What an error of the SDK must hold: it keeps status and code, and code and text as its message. */
const refusal = (status, code, text) => (error) => {
  const told = [error.code, error.name, error.message, error.headers && ""].join(" ");
  assert(told.includes(String(status)) && told.includes(code) && told.includes(text), told);
  return true;
};

async function main() {
  await client.deleteTable({ tableName: table }).catch(() => null);
  await client.createTable({
    tableMeta: {
      tableName: table,
      primaryKey: [
        { name: "k", type: "STRING" },
        { name: "id", type: "INTEGER" },
      ],
    },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: -1, maxVersions: 2 },
  });
  passed.push("CreateTable");
  assert((await client.listTable({})).tableNames.includes(table));
  passed.push("ListTable");
  const shown = await client.describeTable({ tableName: table });
  assert.strictEqual(shown.tableOptions.maxVersions, 2);
  passed.push("DescribeTable");
  await client.updateTable({ tableName: table, tableOptions: { maxVersions: 3 } });
  passed.push("UpdateTable");

  await client.putRow({
    tableName: table,
    condition: ignore,
    primaryKey: key(1),
    attributeColumns: [
      { text: "Zürich" },
      { number: Long.fromString("-9223372036854775808") },
      { ratio: 1.5 },
      { yes: true },
      { raw: Buffer.from([0, 255]) },
    ],
  });
  passed.push("PutRow");
  const read = async (number) =>
    (await client.getRow({ tableName: table, primaryKey: key(number), maxVersions: 1 })).row;
  const first = named(await read(1));
  assert.strictEqual(first.text, "Zürich");
  assert.strictEqual(first.number.toString(), "-9223372036854775808");
  assert.strictEqual(first.ratio, 1.5);
  assert.strictEqual(first.yes, true);
  assert.deepStrictEqual(Buffer.from(first.raw), Buffer.from([0, 255]));
  passed.push("GetRow");

  await client.updateRow({
    tableName: table,
    condition: exist,
    primaryKey: key(1),
    updateOfAttributeColumns: [{ PUT: [{ text: "new" }] }, { DELETE_ALL: ["ratio"] }],
  });
  const second = named(await read(1));
  assert.strictEqual(second.text, "new");
  assert.strictEqual(second.ratio, undefined);
  passed.push("UpdateRow");
  await assert.rejects(
    client.deleteRow({ tableName: table, condition: exist, primaryKey: key(9) }),
    refusal(403, "OTSConditionCheckFail", "Condition check failed.")
  );
  await client.deleteRow({ tableName: table, condition: exist, primaryKey: key(1) });
  assert.strictEqual((await read(1)).primaryKey, undefined);
  passed.push("DeleteRow");

  const rows = [];
  for (let number = 0; number < 200; number++) {
    rows.push({
      type: "PUT",
      condition: ignore,
      primaryKey: key(number),
      attributeColumns: [{ c: Long.fromNumber(number) }],
    });
  }
  const written = await client.batchWriteRow({ tables: [{ tableName: table, rows }] });
  assert(written.tables.every((row) => row.isOk));
  passed.push("BatchWriteRow");
  const got = await client.batchGetRow({
    tables: [{ tableName: table, primaryKey: [key(3), key(5)], maxVersions: 1 }],
  });
  assert.deepStrictEqual(
    got.tables[0].map((row) => row.attributes[0].columnValue.toNumber()),
    [3, 5]
  );
  passed.push("BatchGetRow");
  const range = await client.getRange({
    tableName: table,
    direction: TableStore.Direction.BACKWARD,
    inclusiveStartPrimaryKey: [{ k: TableStore.INF_MAX }, { id: TableStore.INF_MAX }],
    exclusiveEndPrimaryKey: [{ k: TableStore.INF_MIN }, { id: TableStore.INF_MIN }],
    maxVersions: 1,
    limit: 7,
  });
  assert.strictEqual(range.rows.length, 7);
  assert.strictEqual(range.rows[0].primaryKey[1].value.toNumber(), 199);
  assert.strictEqual(range.nextStartPrimaryKey[1].value.toNumber(), 192);
  passed.push("GetRange");
  const begin = async () =>
    (await client.startLocalTransaction({ tableName: table, primaryKey: [{ k: "a" }] }))
      .transactionId;
  const inside = (number, transactionId) =>
    client.putRow({
      tableName: table,
      condition: ignore,
      primaryKey: key(number),
      attributeColumns: [{ c: Long.fromNumber(1) }],
      transactionId,
    });
  let transactionId = await begin();
  passed.push("StartLocalTransaction");
  await inside(5000, transactionId);
  assert.strictEqual((await read(5000)).primaryKey, undefined);
  await client.commitTransaction({ transactionId });
  assert.strictEqual(named(await read(5000)).c.toNumber(), 1);
  passed.push("CommitTransaction");
  transactionId = await begin();
  await inside(5001, transactionId);
  // The SDK reads the empty answer as if it were the request, and reports what that lacks.
  await client.abortTransaction({ transactionId }).catch((error) => {
    assert(/missing required 'transactionId'/.test(error.message), error);
  });
  assert.strictEqual((await read(5001)).primaryKey, undefined);
  passed.push("AbortTransaction");
  assert.deepStrictEqual((await client.listSearchIndex({ tableName: table })).indices, []);
  passed.push("ListSearchIndex");
  await assert.rejects(
    client.computeSplits({ tableName: table, searchIndexSplitsOptions: { indexName: "none" } }),
    refusal(404, "OTSObjectNotExist", "Requested index does not exist.")
  );
  passed.push("ComputeSplits");
  await assert.rejects(
    client.deleteSearchIndex({ tableName: table, indexName: "none" }),
    refusal(400, "OTSParameterInvalid", "Unsupported operation: DeleteSearchIndex.")
  );
  await client.deleteTable({ tableName: table });
  await assert.rejects(
    read(1),
    refusal(404, "OTSObjectNotExist", "Requested table does not exist.")
  );
  passed.push("DeleteTable");
  console.log("passed:", passed.join(" "));
}

main().catch((error) => {
  console.error("after", passed.join(" "));
  console.error(error);
  process.exit(1);
});
