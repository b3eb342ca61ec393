// Reads of whole tables with the official SDK: BulkExport, scans of time series by several readers,
// and the analytical stores of a time series table. Called by Check, which has `check` and `passed`.

import com.alicloud.openservices.tablestore.SyncClient;
import com.alicloud.openservices.tablestore.TableStoreException;
import com.alicloud.openservices.tablestore.TimeseriesClient;
import com.alicloud.openservices.tablestore.model.*;
import com.alicloud.openservices.tablestore.model.timeseries.*;
import com.alicloud.openservices.tablestore.model.tunnel.BulkExportQueryCriteria;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

class Exports {
    static void run(SyncClient client, TimeseriesClient series) {
        bulkExport(client);
        series.createTimeseriesTable(new CreateTimeseriesTableRequest(new TimeseriesTableMeta("java_scans")));
        scans(series, "java_scans");
        stores(series, "java_scans");
        series.deleteTimeseriesTable(new DeleteTimeseriesTableRequest("java_scans"));
    }

    static void bulkExport(SyncClient client) {
        TableMeta meta = new TableMeta("exported");
        meta.addPrimaryKeyColumn("k", PrimaryKeyType.STRING);
        meta.addPrimaryKeyColumn("id", PrimaryKeyType.INTEGER);
        client.createTable(new CreateTableRequest(meta, new TableOptions(-1, 1)));
        for (long id = 0; id < 10; id++) {
            RowPutChange put = new RowPutChange("exported", key(PrimaryKeyValue.fromLong(id)));
            put.addColumn("c", ColumnValue.fromLong(id * id));
            if (id % 2 == 0) put.addColumn("even", ColumnValue.fromBoolean(true));
            client.putRow(new PutRowRequest(put));
        }
        BulkExportQueryCriteria criteria = new BulkExportQueryCriteria("exported");
        criteria.setInclusiveStartPrimaryKey(key(PrimaryKeyValue.INF_MIN));
        criteria.setExclusiveEndPrimaryKey(key(PrimaryKeyValue.INF_MAX));
        criteria.addColumnsToGet(new String[] {"id", "c", "even"});
        BulkExportRequest request = new BulkExportRequest();
        request.setBulkExportQueryCriteria(criteria);
        BulkExportResponse found = client.bulkExport(request);
        Check.check(found.getDataBlockType() == DataBlockType.DBT_SIMPLE_ROW_MATRIX, "matrix");
        SimpleRowMatrixBlockParser parser = new SimpleRowMatrixBlockParser(found.getRows());
        Check.check(Arrays.equals(parser.parseFieldNames(), new String[] {"id", "c", "even"}), "columns");
        Check.check(parser.getRowCount() == 10 && parser.getPkCount() == 1, "rows");
        for (long id = 0; id < 10; id++) {
            parser.next();
            Check.check(parser.getLong(0) == id && parser.getLong(1) == id * id, "values");
            Check.check(parser.isNull(2) == (id % 2 == 1), "null");
        }
        criteria.setDataBlockType(DataBlockType.DBT_PLAIN_BUFFER);
        List<Row> rows = new PlainBufferBlockParser(client.bulkExport(request).getRows()).getRows();
        Check.check(rows.size() == 10 && rows.get(3).getLatestColumn("c").getValue().asLong() == 9, "plain");
        client.deleteTable(new DeleteTableRequest("exported"));
        Check.passed.add("BulkExport");
    }

    static PrimaryKey key(PrimaryKeyValue id) {
        PrimaryKeyValue k = id.isInfMin() || id.isInfMax() ? id : PrimaryKeyValue.fromString("a");
        return new PrimaryKey(Arrays.asList(new PrimaryKeyColumn("k", k), new PrimaryKeyColumn("id", id)));
    }

    static void scans(TimeseriesClient client, String table) {
        PutTimeseriesDataRequest put = new PutTimeseriesDataRequest(table);
        for (int number = 0; number < 60; number++) {
            TimeseriesRow row = new TimeseriesRow(new TimeseriesKey("scanned", "host" + number % 6), number + 1);
            row.addField("n", ColumnValue.fromLong(number));
            put.addRow(row);
        }
        Check.check(client.putTimeseriesData(put).isAllSuccess(), "scan put");
        List<TimeseriesScanSplitInfo> parts =
            client.splitTimeseriesScanTask(new SplitTimeseriesScanTaskRequest(table, "scanned", 4)).getSplitInfos();
        Check.check(parts.size() == 4, "parts");
        TreeSet<Long> seen = new TreeSet<>();
        int count = 0;
        for (TimeseriesScanSplitInfo part : parts) {
            ScanTimeseriesDataRequest request = new ScanTimeseriesDataRequest(table);
            request.setSplitInfo(part);
            request.setLimit(7);
            do {
                ScanTimeseriesDataResponse page = client.scanTimeseriesData(request);
                for (TimeseriesRow row : page.getRows()) seen.add(row.getFields().get("n").asLong());
                count += page.getRows().size();
                request.setNextToken(page.getNextToken());
            } while (request.getNextToken() != null);
        }
        Check.check(count == 60 && seen.size() == 60, "scan " + count);
        Check.passed.add("SplitTimeseriesScanTask ScanTimeseriesData");
    }

    static void stores(TimeseriesClient client, String table) {
        TimeseriesAnalyticalStore store = new TimeseriesAnalyticalStore("analysis");
        store.setTimeToLive(30 * 86400);
        store.setSyncOption(AnalyticalStoreSyncType.SYNC_TYPE_FULL);
        client.createTimeseriesAnalyticalStore(new CreateTimeseriesAnalyticalStoreRequest(table, store));
        DescribeTimeseriesAnalyticalStoreRequest describe =
            new DescribeTimeseriesAnalyticalStoreRequest(table, "analysis");
        DescribeTimeseriesAnalyticalStoreResponse shown = client.describeTimeseriesAnalyticalStore(describe);
        Check.check(shown.getAnalyticalStore().getTimeToLive() == 30 * 86400, "store");
        Check.check(shown.getSyncStat().getSyncPhase() == AnalyticalStoreSyncType.SYNC_TYPE_FULL, "phase");
        store.setTimeToLive(-1);
        UpdateTimeseriesAnalyticalStoreRequest update = new UpdateTimeseriesAnalyticalStoreRequest(table);
        update.setAnalyticStore(store);
        client.updateTimeseriesAnalyticalStore(update);
        List<TimeseriesAnalyticalStore> all = new ArrayList<>(
            client.describeTimeseriesTable(new DescribeTimeseriesTableRequest(table)).getAnalyticalStores());
        Check.check(all.size() == 1 && all.get(0).getTimeToLive() == -1, "updated");
        client.deleteTimeseriesAnalyticalStore(new DeleteTimeseriesAnalyticalStoreRequest(table, "analysis"));
        try {
            client.describeTimeseriesAnalyticalStore(describe);
            Check.check(false, "deleted");
        } catch (TableStoreException e) {
            Check.check(e.getErrorCode().equals("OTSObjectNotExist") && e.getHttpStatus() == 404, "missing");
        }
        Check.passed.add("CreateTimeseriesAnalyticalStore DescribeTimeseriesAnalyticalStore "
            + "UpdateTimeseriesAnalyticalStore DeleteTimeseriesAnalyticalStore");
    }
}
