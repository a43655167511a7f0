-- A country's table of roads by its rows, so that a question reads those of its own places and not the whole country.
--
-- The document stays what is written, by this version and by the one before; the rows follow it by themselves.

create table road_rows (
    country         text not null references roads (country) on delete cascade,
    number          integer not null,
    latitude        double precision not null,
    longitude       double precision not null,
    minutes         double precision[] not null,
    km              double precision[],
    place_latitude  numeric(8, 5) not null generated always as (round(latitude::numeric, 5)) stored,
    place_longitude numeric(8, 5) not null generated always as (round(longitude::numeric, 5)) stored,
    primary key (country, number)
);
create unique index road_rows_by_place on road_rows (country, place_latitude, place_longitude);
comment on table road_rows is 'The rows of tables of roads, kept in step with roads.document by a trigger.';
comment on column road_rows.number is 'Of the place in the table, from 1, as arrays count: its column in every other row.';
comment on column road_rows.minutes is 'To each place of the table, in its order; null where it is estimated.';
comment on column road_rows.place_latitude is 'Positions that agree to five decimals, about a metre, are one place.';

create function keep_road_rows() returns trigger language plpgsql as $$
begin
    delete from road_rows where country = new.country;
    insert into road_rows (country, number, latitude, longitude, minutes, km)
    select new.country, number, (place ->> 'lat')::double precision, (place ->> 'lon')::double precision,
           array(select x::double precision from jsonb_array_elements_text(minutes) with ordinality as one (x, n) order by n),
           case when km is not null then
               array(select x::double precision from jsonb_array_elements_text(km) with ordinality as one (x, n) order by n)
           end
    from rows from (
        jsonb_array_elements(new.document -> 'places'),
        jsonb_array_elements(new.document -> 'minutes'),
        jsonb_array_elements(nullif(new.document -> 'km', 'null'::jsonb))
    ) with ordinality as line (place, minutes, km, number)
    on conflict (country, place_latitude, place_longitude) do nothing;
    return null;
end $$;

create trigger roads_have_rows after insert or update of document on roads
    for each row execute function keep_road_rows();

update roads set document = document;
