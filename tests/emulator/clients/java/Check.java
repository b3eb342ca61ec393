// The official Java SDK against a running server, run by tests/emulator/test_sdks.py. By hand:
//   mvn dependency:copy-dependencies -DoutputDirectory=lib
//   javac -cp 'lib/*' Check.java && java -cp 'lib/*:.' Check http://127.0.0.1:PORT
// Prints "passed: ..." and ends with 0, or throws.
import com.alicloud.openservices.tablestore.*;
import com.alicloud.openservices.tablestore.model.*;
import com.alicloud.openservices.tablestore.model.condition.*;
import com.alicloud.openservices.tablestore.model.filter.*;
import com.alicloud.openservices.tablestore.model.search.DeleteSearchIndexRequest;
import com.alicloud.openservices.tablestore.model.search.ListSearchIndexRequest;
import com.alicloud.openservices.tablestore.model.timeseries.*;
import java.util.*;

public class Check {
    static final String TABLE = "java_check", SERIES = "java_series";
    static final List<String> passed = new ArrayList<>();

    static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what + ", after " + passed);
    }

    static void same(Object expected, Object actual) {
        check(Objects.equals(expected, actual), "expected " + expected + ", got " + actual);
    }

    static PrimaryKey key(long id) {
        return PrimaryKeyBuilder.createPrimaryKeyBuilder()
            .addPrimaryKeyColumn("k", PrimaryKeyValue.fromString("a"))
            .addPrimaryKeyColumn("id", PrimaryKeyValue.fromLong(id)).build();
    }

    static PrimaryKey bound(PrimaryKeyValue value) {
        return PrimaryKeyBuilder.createPrimaryKeyBuilder()
            .addPrimaryKeyColumn("k", value).addPrimaryKeyColumn("id", value).build();
    }

    static Row read(SyncClient client, long id) {
        SingleRowQueryCriteria criteria = new SingleRowQueryCriteria(TABLE, key(id));
        criteria.setMaxVersions(1);
        return client.getRow(new GetRowRequest(criteria)).getRow();
    }

    public static void main(String[] arguments) throws Exception {
        String endpoint = arguments[0];
        ClientConfiguration configuration = new ClientConfiguration();
        SyncClient client =
            new SyncClient(endpoint, "demo-key", "demo-secret", "demo", configuration);
        TimeseriesClient series = new TimeseriesClient(endpoint, "demo-key", "demo-secret", "demo");
        try {
            tables(client);
            rows(client);
            batches(client);
            ranges(client);
            transactions(client);
            client.deleteTable(new DeleteTableRequest(TABLE));
            missing(client);
            passed.add("DeleteTable");
            timeseries(series);
            Exports.run(client, series);
            inner(client, series);
        } finally {
            client.shutdown();
            series.shutdown();
        }
        compressed(endpoint);
        System.out.println("passed: " + String.join(" ", passed));
    }

    static void tables(SyncClient client) {
        try {
            client.deleteTable(new DeleteTableRequest(TABLE));
        } catch (TableStoreException error) {
            same("OTSObjectNotExist", error.getErrorCode());
            same(404, error.getHttpStatus());
        }
        TableMeta meta = new TableMeta(TABLE);
        meta.addPrimaryKeyColumn("k", PrimaryKeyType.STRING);
        meta.addPrimaryKeyColumn("id", PrimaryKeyType.INTEGER);
        meta.addDefinedColumn("typed", DefinedColumnType.INTEGER);
        TableOptions options = new TableOptions(-1, 2);
        client.createTable(new CreateTableRequest(meta, options));
        passed.add("CreateTable");
        check(client.listTable().getTableNames().contains(TABLE), "listed");
        passed.add("ListTable");
        DescribeTableResponse shown = client.describeTable(new DescribeTableRequest(TABLE));
        same(2, shown.getTableOptions().getMaxVersions());
        same(1, shown.getTableMeta().getDefinedColumnsList().size());
        passed.add("DescribeTable");
        UpdateTableRequest update = new UpdateTableRequest(TABLE);
        update.setTableOptionsForUpdate(new TableOptions(-1, 3));
        same(3, client.updateTable(update).getTableOptions().getMaxVersions());
        passed.add("UpdateTable");
    }

    static void rows(SyncClient client) {
        RowPutChange put = new RowPutChange(TABLE, key(1));
        put.addColumn("text", ColumnValue.fromString("Zürich"));
        put.addColumn("number", ColumnValue.fromLong(Long.MIN_VALUE));
        put.addColumn("ratio", ColumnValue.fromDouble(1.5));
        put.addColumn("yes", ColumnValue.fromBoolean(true));
        put.addColumn("raw", ColumnValue.fromBinary(new byte[] {0, -1}));
        put.setReturnType(ReturnType.RT_PK);
        same(key(1), client.putRow(new PutRowRequest(put)).getRow().getPrimaryKey());
        passed.add("PutRow");
        Row row = read(client, 1);
        same("Zürich", row.getLatestColumn("text").getValue().asString());
        same(Long.MIN_VALUE, row.getLatestColumn("number").getValue().asLong());
        same(5, row.getColumns().length);
        same(null, read(client, 99));
        passed.add("GetRow");
        RowUpdateChange update = new RowUpdateChange(TABLE, key(1));
        update.increment(new Column("count", ColumnValue.fromLong(5)));
        update.addReturnColumn("count");
        update.setReturnType(ReturnType.RT_AFTER_MODIFY);
        Row modified = client.updateRow(new UpdateRowRequest(update)).getRow();
        same(5L, modified.getLatestColumn("count").getValue().asLong());
        passed.add("UpdateRow");
        RowDeleteChange delete = new RowDeleteChange(TABLE, key(1));
        Condition condition = new Condition(RowExistenceExpectation.EXPECT_EXIST);
        condition.setColumnCondition(new SingleColumnValueCondition(
            "count", SingleColumnValueCondition.CompareOperator.EQUAL, ColumnValue.fromLong(6)));
        delete.setCondition(condition);
        try {
            client.deleteRow(new DeleteRowRequest(delete));
            check(false, "condition");
        } catch (TableStoreException error) {
            same("OTSConditionCheckFail", error.getErrorCode());
            same("Condition check failed.", error.getMessage());
            same(403, error.getHttpStatus());
            same(36, error.getRequestId().length());
        }
        delete.setCondition(new Condition(RowExistenceExpectation.EXPECT_EXIST));
        client.deleteRow(new DeleteRowRequest(delete));
        same(null, read(client, 1));
        passed.add("DeleteRow");
    }

    static void batches(SyncClient client) {
        BatchWriteRowRequest request = new BatchWriteRowRequest();
        for (int id = 0; id < 200; id++) {
            RowPutChange put = new RowPutChange(TABLE, key(id));
            boolean bad = id == 7;
            put.addColumn("typed", bad ? ColumnValue.fromString("x") : ColumnValue.fromLong(id));
            request.addRowChange(put);
        }
        BatchWriteRowResponse response = client.batchWriteRow(request);
        same(199, response.getSucceedRows().size());
        same(7, response.getFailedRows().get(0).getIndex());
        same("Invalid column type for column typed expect VT_INTEGER actual VT_STRING",
            response.getFailedRows().get(0).getError().getMessage());
        passed.add("BatchWriteRow");
        BulkImportRequest bulk = new BulkImportRequest(TABLE);
        for (int id = 200; id < 300; id++) {
            RowPutChange put = new RowPutChange(TABLE, key(id));
            put.addColumn("typed", ColumnValue.fromLong(id));
            bulk.addRowChange(put);
        }
        BulkImportResponse imported = client.bulkImport(bulk);
        same(100, imported.getSucceedRows().size());
        same(0, imported.getSucceedRows().get(0).getConsumedCapacity().getCapacityUnit()
            .getWriteCapacityUnit());
        passed.add("BulkImport");
        MultiRowQueryCriteria criteria = new MultiRowQueryCriteria(TABLE);
        criteria.setMaxVersions(1);
        criteria.addRow(key(3));
        criteria.addRow(key(299));
        criteria.addRow(key(1000));
        BatchGetRowRequest get = new BatchGetRowRequest();
        get.addMultiRowQueryCriteria(criteria);
        List<BatchGetRowResponse.RowResult> found = client.batchGetRow(get).getSucceedRows();
        same(299L, found.get(1).getRow().getLatestColumn("typed").getValue().asLong());
        same(null, found.get(2).getRow());
        passed.add("BatchGetRow");
    }

    static void ranges(SyncClient client) {
        RangeRowQueryCriteria criteria = new RangeRowQueryCriteria(TABLE);
        criteria.setInclusiveStartPrimaryKey(bound(PrimaryKeyValue.INF_MIN));
        criteria.setExclusiveEndPrimaryKey(bound(PrimaryKeyValue.INF_MAX));
        criteria.setMaxVersions(1);
        criteria.setLimit(50);
        criteria.setFilter(new SingleColumnValueFilter("typed",
            SingleColumnValueFilter.CompareOperator.GREATER_EQUAL, ColumnValue.fromLong(100)));
        List<Long> ids = new ArrayList<>();
        PrimaryKey next = criteria.getInclusiveStartPrimaryKey();
        while (next != null) {
            criteria.setInclusiveStartPrimaryKey(next);
            GetRangeResponse response = client.getRange(new GetRangeRequest(criteria));
            for (Row row : response.getRows()) {
                ids.add(row.getPrimaryKey().getPrimaryKeyColumn("id").getValue().asLong());
            }
            next = response.getNextStartPrimaryKey();
        }
        same(200, ids.size());
        same(100L, ids.get(0));
        passed.add("GetRange");
        ComputeSplitsBySizeRequest splits = new ComputeSplitsBySizeRequest();
        splits.setTableName(TABLE);
        splits.setSplitSizeIn100MB(1);
        same(1, client.computeSplitsBySize(splits).getSplits().size());
        passed.add("ComputeSplitPointsBySize");
        ListSearchIndexRequest indexes = new ListSearchIndexRequest();
        indexes.setTableName(TABLE);
        same(0, client.listSearchIndex(indexes).getIndexInfos().size());
        passed.add("ListSearchIndex");
        try {
            SearchIndexSplitsOptions none = new SearchIndexSplitsOptions("none");
            client.computeSplits(new ComputeSplitsRequest(TABLE, none));
            check(false, "splits of no index");
        } catch (TableStoreException error) {
            same("OTSObjectNotExist", error.getErrorCode());
            same(404, error.getHttpStatus());
            same("Requested index does not exist.", error.getMessage());
        }
        passed.add("ComputeSplits");
        try {
            DeleteSearchIndexRequest deletion = new DeleteSearchIndexRequest();
            deletion.setTableName(TABLE);
            deletion.setIndexName("none");
            client.deleteSearchIndex(deletion);
            check(false, "a search index deleted");
        } catch (TableStoreException error) {
            same("OTSParameterInvalid", error.getErrorCode());
            same(400, error.getHttpStatus());
            same("Unsupported operation: DeleteSearchIndex.", error.getMessage());
        }
        AddDefinedColumnRequest add = new AddDefinedColumnRequest();
        add.setTableName(TABLE);
        add.addDefinedColumn("later", DefinedColumnType.INTEGER);
        client.addDefinedColumn(add);
        DescribeTableRequest describe = new DescribeTableRequest(TABLE);
        int columns = client.describeTable(describe).getTableMeta().getDefinedColumnsList().size();
        passed.add("AddDefinedColumn");
        DeleteDefinedColumnRequest remove = new DeleteDefinedColumnRequest();
        remove.setTableName(TABLE);
        remove.addDefinedColumn("later");
        client.deleteDefinedColumn(remove);
        int left = client.describeTable(describe).getTableMeta().getDefinedColumnsList().size();
        same(columns - 1, left);
        passed.add("DeleteDefinedColumn");
    }

    static void transactions(SyncClient client) {
        PrimaryKey partition = PrimaryKeyBuilder.createPrimaryKeyBuilder()
            .addPrimaryKeyColumn("k", PrimaryKeyValue.fromString("a")).build();
        StartLocalTransactionRequest start = new StartLocalTransactionRequest(TABLE, partition);
        String id = client.startLocalTransaction(start).getTransactionID();
        RowPutChange put = new RowPutChange(TABLE, key(5000));
        put.addColumn("c", ColumnValue.fromLong(1));
        PutRowRequest request = new PutRowRequest(put);
        request.setTransactionId(id);
        client.putRow(request);
        same(null, read(client, 5000));
        client.commitTransaction(new CommitTransactionRequest(id));
        check(read(client, 5000) != null, "committed");
        String other = client.startLocalTransaction(start).getTransactionID();
        client.abortTransaction(new AbortTransactionRequest(other));
        passed.add("StartLocalTransaction CommitTransaction AbortTransaction");
    }

    static void timeseries(TimeseriesClient client) {
        for (String name : client.listTimeseriesTable().getTimeseriesTableNames()) {
            if (name.equals(SERIES)) {
                client.deleteTimeseriesTable(new DeleteTimeseriesTableRequest(SERIES));
            }
        }
        TimeseriesTableMeta meta = new TimeseriesTableMeta(SERIES);
        client.createTimeseriesTable(new CreateTimeseriesTableRequest(meta));
        same("CREATED", client.describeTimeseriesTable(new DescribeTimeseriesTableRequest(SERIES))
            .getTimeseriesTableMeta().getStatus());
        UpdateTimeseriesTableRequest update = new UpdateTimeseriesTableRequest(SERIES);
        update.setTimeseriesTableOptions(new TimeseriesTableOptions(8640000));
        client.updateTimeseriesTable(update);
        Map<String, String> tags = new TreeMap<>();
        tags.put("region", "hangzhou");
        tags.put("os", "Ubuntu 22");
        PutTimeseriesDataRequest put = new PutTimeseriesDataRequest(SERIES);
        long now = System.currentTimeMillis() * 1000;
        for (int i = 0; i < 100; i++) {
            TimeseriesKey key = new TimeseriesKey("cpu", "host" + i % 2, tags);
            TimeseriesRow row = new TimeseriesRow(key, now + i);
            row.addField("load", ColumnValue.fromDouble(i));
            row.addField("name", ColumnValue.fromString("n" + i));
            row.addField("raw", ColumnValue.fromBinary(new byte[] {1, 2}));
            put.addRow(row);
        }
        check(client.putTimeseriesData(put).isAllSuccess(), "all points");
        GetTimeseriesDataRequest get = new GetTimeseriesDataRequest(SERIES);
        get.setTimeseriesKey(new TimeseriesKey("cpu", "host1", tags));
        get.setTimeRange(now, now + 1000);
        get.setLimit(30);
        GetTimeseriesDataResponse page = client.getTimeseriesData(get);
        same(30, page.getRows().size());
        get.setNextToken(page.getNextToken());
        page = client.getTimeseriesData(get);
        same(20, page.getRows().size());
        same(null, page.getNextToken());
        same(99.0, page.getRows().get(19).getFields().get("load").asDouble());
        same(tags, page.getRows().get(0).getTimeseriesKey().getTags());
        QueryTimeseriesMetaRequest query = new QueryTimeseriesMetaRequest(SERIES);
        query.setCondition(new DataSourceMetaQueryCondition(
            MetaQuerySingleOperator.OP_PREFIX, "host"));
        query.setGetTotalHits(true);
        same(2L, client.queryTimeseriesMeta(query).getTotalHits());
        UpdateTimeseriesMetaRequest set = new UpdateTimeseriesMetaRequest(SERIES);
        TimeseriesMeta attributes = new TimeseriesMeta(new TimeseriesKey("cpu", "host0", tags));
        attributes.setAttributes(Collections.singletonMap("floor", "2"));
        set.setMetas(Collections.singletonList(attributes));
        check(client.updateTimeseriesMeta(set).isAllSuccess(), "meta");
        query.setCondition(new AttributeMetaQueryCondition(
            MetaQuerySingleOperator.OP_EQUAL, "floor", "2"));
        same("2", client.queryTimeseriesMeta(query).getTimeseriesMetas().get(0)
            .getAttributes().get("floor"));
        DeleteTimeseriesMetaRequest forget = new DeleteTimeseriesMetaRequest(SERIES);
        forget.setTimeseriesKeys(Collections.singletonList(attributes.getTimeseriesKey()));
        client.deleteTimeseriesMeta(forget);
        same(0L, client.queryTimeseriesMeta(query).getTotalHits());
        client.deleteTimeseriesTable(new DeleteTimeseriesTableRequest(SERIES));
        passed.add("CreateTimeseriesTable ListTimeseriesTable DescribeTimeseriesTable "
            + "UpdateTimeseriesTable DeleteTimeseriesTable PutTimeseriesData GetTimeseriesData "
            + "QueryTimeseriesMeta UpdateTimeseriesMeta DeleteTimeseriesMeta");
    }

    static void missing(SyncClient client) {
        try {
            read(client, 1);
            check(false, "a missing table");
        } catch (TableStoreException error) {
            same("OTSObjectNotExist", error.getErrorCode());
            same("Requested table does not exist.", error.getMessage());
            same(404, error.getHttpStatus());
        }
    }

    /** The wide-column table behind a time series table, with custom keys. */
    static void inner(SyncClient client, TimeseriesClient series) {
        TimeseriesTableMeta meta = new TimeseriesTableMeta(SERIES);
        for (String name : new String[] {"_m_name", "_tags", "region"}) meta.addTimeseriesKey(name);
        meta.addFieldPrimaryKey("cores", PrimaryKeyType.INTEGER);
        series.createTimeseriesTable(new CreateTimeseriesTableRequest(meta));
        List<String> names = new ArrayList<>();
        for (PrimaryKeySchema column : client.describeTable(
                new DescribeTableRequest(SERIES + "#timeseries")).getTableMeta().getPrimaryKeyList())
            names.add(column.getName());
        same(Arrays.asList("_#h", "_m_name", "_tags", "region", "_time", "cores"), names);
        PrimaryKeyValue[] values = {PrimaryKeyValue.fromString(""),
            PrimaryKeyValue.fromString("cpu"), PrimaryKeyValue.fromString("[\"vendor=x\"]"),
            PrimaryKeyValue.fromString("hangzhou"), PrimaryKeyValue.fromLong(7),
            PrimaryKeyValue.fromLong(8)};
        PrimaryKeyBuilder key = PrimaryKeyBuilder.createPrimaryKeyBuilder();
        PrimaryKeyBuilder low = PrimaryKeyBuilder.createPrimaryKeyBuilder();
        PrimaryKeyBuilder high = PrimaryKeyBuilder.createPrimaryKeyBuilder();
        for (int i = 0; i < values.length; i++) {
            key.addPrimaryKeyColumn(names.get(i), values[i]);
            low.addPrimaryKeyColumn(names.get(i), PrimaryKeyValue.INF_MIN);
            high.addPrimaryKeyColumn(names.get(i), PrimaryKeyValue.INF_MAX);
        }
        RowPutChange put = new RowPutChange(SERIES + "#timeseries", key.build());
        put.addColumn("load:d", ColumnValue.fromDouble(0.5));
        BatchWriteRowRequest batch = new BatchWriteRowRequest();
        batch.addRowChange(put);
        check(client.batchWriteRow(batch).isAllSucceed(), "inner row");
        RangeRowQueryCriteria range = new RangeRowQueryCriteria(SERIES + "#timeseries");
        range.setMaxVersions(1);
        range.setInclusiveStartPrimaryKey(low.build());
        range.setExclusiveEndPrimaryKey(high.build());
        List<Row> rows = client.getRange(new GetRangeRequest(range)).getRows();
        same(1, rows.size());
        same(0.5, rows.get(0).getLatestColumn("load:d").getValue().asDouble());
        Map<String, String> tags = new TreeMap<>();
        tags.put("vendor", "x");
        tags.put("region", "hangzhou");
        GetTimeseriesDataRequest get = new GetTimeseriesDataRequest(SERIES);
        get.setTimeseriesKey(new TimeseriesKey("cpu", "", tags));
        get.setTimeRange(0, 10);
        List<TimeseriesRow> points = series.getTimeseriesData(get).getRows();
        same(1, points.size());
        same(0.5, points.get(0).getFields().get("load").asDouble());
        same(8L, points.get(0).getFields().get("cores").asLong());
        series.deleteTimeseriesTable(new DeleteTimeseriesTableRequest(SERIES));
        passed.add("(inner)");
    }

    static void compressed(String endpoint) {
        ClientConfiguration configuration = new ClientConfiguration();
        configuration.setEnableRequestCompression(true);
        configuration.setEnableResponseCompression(true);
        SyncClient client =
            new SyncClient(endpoint, "demo-key", "demo-secret", "demo", configuration);
        try {
            check(client.listTable().getTableNames() != null, "empty answer");
            tables(client);
            batches(client);
            client.deleteTable(new DeleteTableRequest(TABLE));
            passed.add("(deflate)");
        } finally {
            client.shutdown();
        }
    }
}
