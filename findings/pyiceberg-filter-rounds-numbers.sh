#!/bin/sh
# PyIceberg rounds a number with a fraction in the text of a filter where the column has whole numbers: "price > 19.5" does not find 20,
# "price == 19.99" finds 20, and delete("price >= 20.5") deletes 20 too. There is no error. The same filter as an object,
# GreaterThan("price", 19.5), is refused.
# PyIceberg 0.12.0 with PyArrow 26.0.1, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_python pyiceberg[sql-sqlite]==0.12.0 pyarrow==26.0.1
measure_python <<'PROGRAM'
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import GreaterThan

catalog = SqlCatalog('shop', uri='sqlite:///catalog.db', warehouse='warehouse')
catalog.create_namespace('shop')
prices = pa.table({'price': [18, 19, 20, 21]})
table = catalog.create_table('shop.orders', schema=prices.schema)
table.append(prices)


def found(row_filter):
    return sorted(table.scan(row_filter=row_filter).to_arrow()['price'].to_pylist())


print('prices', found('price >= 0'))
for row_filter in ('price > 19.5', 'price >= 19.5', 'price <= 19.5', 'price > 19.4', 'price >= 19.4', 'price == 19.99'):
    print(row_filter, found(row_filter))
try:
    print(found(GreaterThan('price', 19.5)))
except TypeError as error:
    print('GreaterThan("price", 19.5):', error)
table.delete('price >= 20.5')
print('left after delete("price >= 20.5")', found('price >= 0'))
PROGRAM
expect <<'SEEN'
prices [18, 19, 20, 21]
price > 19.5 [21]
price >= 19.5 [20, 21]
price <= 19.5 [18, 19, 20]
price > 19.4 [20, 21]
price >= 19.4 [19, 20, 21]
price == 19.99 [20]
GreaterThan("price", 19.5): Cannot convert DoubleLiteral into long
left after delete("price >= 20.5") [18, 19]
SEEN
