"""Stories in English."""

from __future__ import annotations

TALES = """
# broken mug
> Hi, my order {order} came today but one of the mugs is broken :(
>> Here is what it looks like [photo]
< Oh no, I'm sorry about that {first}! Shall I send you a new one or refund it?
> A new one please, it's a birthday present
< Done, it ships today and arrives on Thursday. No need to send the broken one back. {agent}
= Replacement for {order} ordered, no return needed
> That was quick, thank you!!
x

# where is my parcel
> hello where is order {order}? it was due monday
< Hi {first}, it left our warehouse on Saturday and is with the courier in {town} now.
> The tracking page has said that for three days
< You are right, it is stuck. I have asked the courier to look for it and will text you by 5 pm.
> ok. I need it by friday
= Customer needs it by Friday, chase the courier at noon
< It turned up! It is on the van now and should be with you before 3 pm.
> Got it. Cheers {agent}

# opening hours
> Are you open on Sunday?
< Yes {first}, from 11 to 5 in {town}.
> Great, see you then
x

# three in a row
> Hey
>> I think I ordered the wrong size
>> Order {order}, it should be M and not L
>> is it too late to change??
< Not too late! I have changed it to M, you will get a new confirmation in a minute.
> phew. thanks a lot

# never mind
> Can I return the lamp I bought last week? Receipt attached [photo]
< Of course. Bring it to any shop within 30 days, the receipt is all you need. {agent}
> Actually it just needed a new bulb. Never mind!
< Ha, glad that it shines again :)
x

# enough
> Why do I get these texts?
< Hi {first}, you asked for updates on order {order}. Answer STOP and they end.
> STOP

# gift card
> Is there a way to see how much is left on my gift card?
< Sure, send me its last four digits please.
> {order}
< $23.50 left, valid until June.
> Perfect, thx
x

# wrong address
> URGENT I moved last month and order {order} is going to my old place
< Thanks for telling us {first}. What is the new address?
> 12 Orchard Lane, {town}
< Changed. The driver has it on the new route, same day.
> You saved me a trip, thank you
"""
