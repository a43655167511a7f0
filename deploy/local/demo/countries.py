"""The three countries of the sample programme: places, calendars, names. All people and firms are invented.

Public holidays of 2026: official lists of Bangladesh, Peru and Viet Nam; those that follow the moon are the announced days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Town:
    """Where sites and homes lie: degrees (WGS 84), and the region whose holidays count there."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Country:
    """One country of the programme. `local_language` is what workers speak; `week` as a coordinator writes it."""

    code: str
    name: str
    zone: str
    week: str
    local_language: str
    phone_prefix: str
    towns: tuple[Town, ...]
    holidays: tuple[tuple[date, str], ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    firms: tuple[str, ...]
    trades: tuple[str, ...]


BANGLADESH = Country(
    code="BD",
    name="Bangladesh",
    zone="Asia/Dhaka",
    week="Sun-Thu",
    local_language="bn",
    phone_prefix="+8801700",
    towns=(
        Town("Dhaka", 23.780, 90.410),
        Town("Gazipur", 23.999, 90.420),
        Town("Narayanganj", 23.620, 90.500),
        Town("Savar", 23.858, 90.267),
        Town("Ashulia", 23.897, 90.320),
        Town("Tongi", 23.891, 90.402),
    ),
    holidays=(
        (date(2026, 2, 21), "Language Martyrs' Day"),
        (date(2026, 3, 17), "Shab-e-Qadr"),
        (date(2026, 3, 20), "Jumatul Bidah"),
        (date(2026, 3, 26), "Independence Day"),
        (date(2026, 4, 14), "Bengali New Year"),
        (date(2026, 5, 1), "May Day"),
        (date(2026, 5, 27), "Eid al-Adha"),
        (date(2026, 5, 28), "Eid al-Adha"),
        (date(2026, 12, 16), "Victory Day"),
    ),
    first_names=(
        "Nasrin", "Rahim", "Farhana", "Imran", "Shirin", "Tanvir", "Rokeya", "Kamal", "Sadia", "Arif", "Jahanara",
        "Mahbub", "Ruma", "Faisal", "Nadia", "Habib", "Salma", "Rashed", "Tahmina", "Zahid",
    ),
    last_names=(
        "Akter", "Hossain", "Rahman", "Begum", "Chowdhury", "Islam", "Khan", "Sultana", "Ahmed", "Karim", "Das",
        "Haque",
    ),
    firms=("Padma", "Meghna", "Shapla", "Surma", "Jamuna", "Titas", "Karnaphuli", "Rupsha", "Teesta", "Buriganga"),
    trades=("Knitwear", "Garments", "Leather Goods", "Plastics"),
)  # fmt: skip

PERU = Country(
    code="PE",
    name="Peru",
    zone="America/Lima",
    week="Mon-Fri",
    local_language="es",
    phone_prefix="+51987",
    towns=(
        Town("Lima", -12.046, -77.043),
        Town("Callao", -12.056, -77.118),
        Town("Chincha", -13.410, -76.132),
        Town("Ica", -14.068, -75.728),
        Town("Huacho", -11.107, -77.605),
        Town("Chosica", -11.943, -76.709),
    ),
    holidays=(
        (date(2026, 4, 2), "Jueves Santo"),
        (date(2026, 4, 3), "Viernes Santo"),
        (date(2026, 5, 1), "Día del Trabajo"),
        (date(2026, 6, 29), "San Pedro y San Pablo"),
        (date(2026, 7, 28), "Fiestas Patrias"),
        (date(2026, 7, 29), "Fiestas Patrias"),
        (date(2026, 12, 8), "Inmaculada Concepción"),
    ),
    first_names=(
        "Rosa", "Luis", "Carmen", "Jorge", "Milagros", "César", "Yolanda", "Víctor", "Pilar", "Raúl", "Gladys",
        "Hugo", "Elena", "Óscar", "Maritza", "Percy", "Norma", "Julio", "Flor", "Edwin",
    ),
    last_names=(
        "Quispe", "Flores", "Huamán", "Rojas", "Mamani", "Sánchez", "Vargas", "Ramos", "Chávez", "Torres", "Paredes",
        "Salazar",
    ),
    firms=("Andes", "Pacífico", "Amazonas", "Inti", "Killa", "Paracas", "Vicuña", "Misti", "Marañón", "Ucayali"),
    trades=("Textiles", "Conservas", "Metalmecánica", "Calzado"),
)  # fmt: skip

VIET_NAM = Country(
    code="VN",
    name="Viet Nam",
    zone="Asia/Ho_Chi_Minh",
    week="Mon-Sat",
    local_language="vi",
    phone_prefix="+84901",
    towns=(
        Town("Ho Chi Minh City", 10.776, 106.700),
        Town("Bien Hoa", 10.957, 106.843),
        Town("Thu Dau Mot", 10.980, 106.651),
        Town("Tan An", 10.535, 106.413),
        Town("Di An", 10.906, 106.769),
        Town("My Tho", 10.360, 106.360),
    ),
    holidays=(
        (date(2026, 2, 16), "Tết"),
        (date(2026, 2, 17), "Tết"),
        (date(2026, 2, 18), "Tết"),
        (date(2026, 4, 27), "Hung Kings' Festival"),
        (date(2026, 4, 30), "Reunification Day"),
        (date(2026, 5, 1), "May Day"),
        (date(2026, 9, 2), "National Day"),
    ),
    first_names=(
        "Lan", "Minh", "Hương", "Tuấn", "Mai", "Dũng", "Thu", "Hải", "Linh", "Quang", "Ngọc", "Sơn", "Yến", "Long",
        "Hạnh", "Phúc", "Trang", "Khoa", "Vân", "Bình",
    ),
    last_names=("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương"),
    firms=("Sao Mai", "Hoa Sen", "Sông Xanh", "Đông Á", "Thành Công", "Minh Long", "Bình Minh", "An Phát", "Tân Việt",
           "Đại Dương"),
    trades=("Gỗ", "May", "Cơ Khí", "Thủy Sản"),
)  # fmt: skip

COUNTRIES = (BANGLADESH, PERU, VIET_NAM)
