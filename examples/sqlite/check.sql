-- Queries of every kind; the database is a file or in memory.
create table person(id integer primary key, name text not null unique, born integer check (born > 1700));
insert into person(name, born) values ('Ada', 1815), ('Alan', 1912), ('Grace', 1906), ('Kurt', 1906), ('Emmy', 1882);
select id, name, born from person order by born desc, name;
select born, count(*), group_concat(name, '+') from person group by born having count(*) > 1;
insert or ignore into person(name, born) values ('Ada', 1900);
select changes(), total_changes();
update person set name = upper(name) where name like 'a%' returning id, name;
with recursive fibonacci(n, a, b) as (select 1, 0, 1 union all select n + 1, b, a + b from fibonacci where n < 50)
select n, a from fibonacci where n % 10 = 0;
create table event(person references person, at text, value real);
insert into event select 1 + value % 5, date('2000-01-01', '+' || value || ' days'), value * 0.37 from generate_series(1, 5000);
create index event_at on event(at);
select person, count(*), round(sum(value), 2), min(at), max(at) from event group by person order by 2, 1;
select name, rank() over (order by born), lag(name) over (order by id) from person order by id;
explain query plan select * from event where at = '2003-03-03';
select * from event where at between '2003-03-01' and '2003-03-03' order by at;
begin; delete from event; select count(*) from event; rollback; select count(*) from event;
savepoint one; insert into person(name, born) values ('X', 2000); rollback to one; release one;
create view old as select name from person where born < 1900; select * from old order by 1;
create trigger log after update on person begin insert into event values (new.id, 'changed', 0.5); end;
update person set born = born + 1 where id < 3; select * from event where at = 'changed';
select json_extract('{"a": [1, {"b": "c"}]}', '$.a[1].b'), json_group_array(id) from person;
select printf('%08.3f|%-6s|%x|%e', 3.14159, 'ab', 255, 12345.678), hex(x'00ff'), quote('it''s'), typeof(1e3), 7 / 2, 7 / 2.0;
select substr('grüße', 3, 2), length('grüße'), instr('haystack', 'st'), replace('aaa', 'a', 'bc'), trim('  x '), unicode('€');
select 9223372036854775807 + 0, -9223372036854775808, 1e308 * 10, 0.1 + 0.2, round(2.5), abs(-3), max(1, 2.5), 5 % 3;
pragma integrity_check;
drop table event; vacuum;
select count(*) from sqlite_schema;
