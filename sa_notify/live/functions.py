"""Which of PostgreSQL's functions and operators are decided by their arguments and rows alone."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLOCK = _words(
    """
    now current_date current_time current_timestamp localtime localtimestamp transaction_timestamp
    statement_timestamp clock_timestamp timeofday age pg_sleep pg_sleep_for pg_sleep_until
    """
)
CHANCE = _words(
    """
    random random_normal setseed gen_random_uuid uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v1mc
    uuid_generate_v4 gen_random_bytes
    """
)
COUNTERS = _words(
    """
    nextval currval lastval setval txid_current pg_current_xact_id pg_current_snapshot
    txid_current_snapshot
    """
)
SESSION = _words(
    """
    current_setting set_config current_user session_user user current_role system_user current_catalog
    current_database current_schema current_schemas pg_backend_pid inet_client_addr has_table_privilege
    """
)

_CHOOSE = "or choose how often it is read again with refresh="
_DECLARE = f"declare what it reads with tables=[...], {_CHOOSE}"
REASONS = {
    **dict.fromkeys(CLOCK, f"depends on the clock: pass the time as a value, {_CHOOSE}"),
    **dict.fromkeys(CHANCE, f"depends on chance: leave it out, {_CHOOSE}"),
    **dict.fromkeys(COUNTERS, f"moves without a change of any row: leave it out, {_CHOOSE}"),
    **dict.fromkeys(SESSION, f"depends on the session that reads: pass its value, {_CHOOSE}"),
}
UNKNOWN = f"may depend on more than the rows it is given: use PostgreSQL's own functions, {_DECLARE}"
TEXT = f"SQL written as text hides what it reads: write it with SQLAlchemy's constructs, {_DECLARE}"
UNCLEAR = f"can't be followed: write it with SQLAlchemy's constructs, {_DECLARE}"
UNANNOUNCED = f"is PostgreSQL's own and announces nothing: leave it out, {_CHOOSE}"
CLOCK_TEXT = (
    f"may say 'today', which depends on the clock: keep moments in columns of their own type, {_CHOOSE}"
)
MOVING_TEXT = f"may be read from text that says 'today', or as a name of the catalog: {_DECLARE}"


def setting_doubt(name: str) -> str:
    """Why a result that reads a setting of the session may change."""
    return (
        f"the setting {name} depends on the session that reads: give its value with "
        f"scope={{{name!r}: ...}}, {_CHOOSE}"
    )


# Immutable in pg_proc, or stable for no other reason than settings of the session that reads
# (https://www.postgresql.org/docs/current/xfunc-volatility.html). Left out is whatever can read
# tables, the clock or the catalog, or runs SQL given as text (query_to_xml).
_AGGREGATES = """
    count sum avg min max bool_and bool_or every any_value array_agg string_agg json_agg jsonb_agg
    json_agg_strict jsonb_agg_strict json_object_agg jsonb_object_agg json_object_agg_strict
    jsonb_object_agg_strict json_object_agg_unique jsonb_object_agg_unique json_arrayagg json_objectagg
    xmlagg bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop
    covar_samp regr_slope regr_intercept regr_count regr_r2 regr_avgx regr_avgy regr_sxx regr_sxy regr_syy
    mode percentile_cont percentile_disc range_agg range_intersect_agg row_number rank dense_rank
    percent_rank cume_dist ntile lag lead first_value last_value nth_value grouping grouping_sets rollup
    cube
"""
_SCALARS = """
    coalesce nullif greatest least abs ceil ceiling floor round trunc sign sqrt cbrt power pow exp ln log
    log10 mod div gcd lcm factorial degrees radians sin cos tan cot asin acos atan atan2 sinh cosh tanh
    sind cosd tand scale min_scale trim_scale width_bucket pi
    lower upper initcap casefold length char_length character_length octet_length bit_length concat
    concat_ws substring substr left right trim ltrim rtrim btrim lpad rpad repeat replace reverse position
    strpos split_part starts_with translate overlay ascii chr md5 sha224 sha256 sha384 sha512 crc32 crc32c
    encode decode format quote_ident quote_literal quote_nullable to_hex to_bin to_oct to_ascii to_char
    to_number to_date to_timestamp unistr parse_ident get_bit set_bit get_byte set_byte bit_count
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_count
    regexp_instr regexp_like regexp_substr string_to_array string_to_table array_to_string normalize
    is_normalized unaccent similarity word_similarity strict_word_similarity levenshtein soundex metaphone
    date_part date_trunc date_bin date_add date_subtract extract make_date make_time make_timestamp
    make_timestamptz make_interval justify_days justify_hours justify_interval isfinite timezone date
    timestamp timestamptz time interval
    array_length array_upper array_lower array_ndims array_dims array_position array_positions
    array_append array_prepend array_cat array_remove array_replace array_fill cardinality trim_array
    unnest generate_series generate_subscripts any all some
    to_json to_jsonb row_to_json array_to_json json_build_object jsonb_build_object json_build_array
    jsonb_build_array json_object jsonb_object json_array_length jsonb_array_length json_array_elements
    jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_each jsonb_each
    json_each_text jsonb_each_text json_object_keys jsonb_object_keys json_extract_path
    jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_typeof jsonb_typeof jsonb_set
    jsonb_set_lax jsonb_insert jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_strip_nulls json_strip_nulls jsonb_pretty json_to_recordset
    jsonb_to_recordset json_to_record jsonb_to_record
    to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd
    ts_headline setweight strip numnode querytree tsvector_to_array array_to_tsvector
    isempty lower_inc upper_inc lower_inf upper_inf range_merge int4range int8range numrange tsrange
    tstzrange daterange multirange int4multirange int8multirange nummultirange datemultirange
    tsmultirange tstzmultirange host network masklen family abbrev broadcast netmask hostmask text
    set_masklen inet_same_family area center diameter height width radius npoints
    num_nonnulls num_nulls row array cast hstore akeys avals exist defined hstore_to_json
"""
PURE = _words(_AGGREGATES + _SCALARS)

#: Methods of TABLESAMPLE, not functions.
SAMPLING = frozenset({"bernoulli", "system"})

#: Take apart JSON into columns of whatever type the statement says.
CONVERTING = _words(
    """
    json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset json_table json_value json_query
    xmltable
    """
)

#: Types whose values are made of text by more than the text, dates and times above all.
MOMENT_TYPES = _words(
    """
    date time timetz timestamp timestamptz daterange tsrange tstzrange datemultirange tsmultirange
    tstzmultirange
    """
)

#: What PostgreSQL's date and time types read as the time of reading, alone or before an hour.
CLOCK_WORDS = frozenset({"now", "today", "yesterday", "tomorrow"})

#: PostgreSQL's own operators; one of somebody's own may do anything.
OPERATORS = _words(
    r"""
    !! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<=
    <<| <= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~*
    ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* !=
    and or not in like ilike similar to is distinct from collate at time zone overlaps between symmetric
    """
)


_CLOCK_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(CLOCK_WORDS))})(?![a-z])", re.IGNORECASE)


def clock_word(value: object) -> bool:
    """Whether a date or time type reads the value as a moment that moves, also inside an array or a range."""
    return isinstance(value, str) and _CLOCK_WORD.search(value) is not None
