# Makes the samples beside this file: python3 make.py FOLDER, with pyarrow 26.0.1.
import pyarrow as pa, pyarrow.parquet as pq, decimal, datetime as dt, uuid, sys
D=decimal.Decimal
out=sys.argv[1]


t=pa.table({
 'id': pa.array(['a','b','c']),
 'long': pa.array([9223372036854775807,-9223372036854775808,None],pa.int64()),
 'unsigned': pa.array([18446744073709551615,0,None],pa.uint64()),
 'small': pa.array([4294967295,7,None],pa.uint32()),
 'byte': pa.array([-128,127,None],pa.int8()),
 'price': pa.array([D('12345678901234567890123456789012345.678'),D('-0.001'),None],pa.decimal128(38,3)),
 'wide': pa.array([D('1234567890123456789012345678901234567890.5'),D('-0.5'),None],pa.decimal256(50,1)),
 'cents': pa.array([D('0.10'),D('-99.99'),None],pa.decimal128(4,2)),
 'double': pa.array([0.1,float('nan'),None],pa.float64()),
 'single': pa.array([0.1,float('-inf'),None],pa.float32()),
 'millis': pa.array([0,-1,None],pa.timestamp('ms','UTC')),
 'micros': pa.array([1714561200123456,-62135596800000000,None],pa.timestamp('us','UTC')),
 'nanos': pa.array([1714561200123456789,-1,None],pa.timestamp('ns','UTC')),
 'local': pa.array([1714561200123456,-1,None],pa.timestamp('us')),
 'day': pa.array([dt.date(2024,2,29),dt.date(1,1,1),None],pa.date32()),
 'time': pa.array([86399999999,0,None],pa.time64('us')),
 'flag': pa.array([True,False,None],pa.bool_()),
 'raw': pa.array([b'\x00\xff',b'',None],pa.binary()),
 'fixed': pa.array([b'\x01\x02',b'\x03\x04',None],pa.binary(2)),
 'text': pa.array(['e\u0301 李 😀','',None],pa.string()),
 'tags': pa.array([['x',None,'y'],[],None],pa.list_(pa.string())),
 'amounts': pa.array([[D('1.50')],[],None],pa.list_(pa.decimal128(10,2))),
 'place': pa.array([{'city':'Turku','zip':20100},{'city':None,'zip':None},None],pa.struct([('city',pa.string()),('zip',pa.int64())])),
 'lines': pa.array([[{'sku':'k','count':9223372036854775807}],[],None],pa.list_(pa.struct([('sku',pa.string()),('count',pa.int64())]))),
 'labels': pa.array([[('k','v'),('l',None)],[],None],pa.map_(pa.string(),pa.string())),
})
pq.write_table(t,out+'/every-type.parquet',compression='zstd',version='2.6',use_dictionary=True)
pq.write_table(t.select(['id','nanos']),out+'/int96.parquet',use_deprecated_int96_timestamps=True,compression='snappy')
m=18000
pq.write_table(pa.table({'id':pa.array(range(m),pa.int64()),'same':pa.array(['x']*m)}),out+'/groups.parquet',row_group_size=17000,data_page_size=2000,write_page_index=True,compression='gzip',use_dictionary=['same'],column_encoding={'id':'DELTA_BINARY_PACKED'})
